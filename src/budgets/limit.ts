import { parseDollars } from "./money.ts";
import type { Window } from "./ledger/windows.ts";

/** What a limit counts. Money is in nano-dollars. */
export type Thing = "tokens" | "input tokens" | "output tokens" | "requests" | "concurrent" | "money";

/** One line of `limits`. */
export interface Limit {
  /** As it was written: what a refused caller is told. */
  readonly text: string;
  readonly thing: Thing;
  /** In units of the thing; nano-dollars for money. */
  readonly amount: number;
  /** `none`: for as long as the key lives, such as a chain. */
  readonly window: Window;
  /** Only for this model, agent, tool or MCP server; undefined: for all. */
  readonly on: string | undefined;
}

const things: Readonly<Record<string, Thing>> = {
  tokens: "tokens",
  token: "tokens",
  "input tokens": "input tokens",
  "output tokens": "output tokens",
  "input token": "input tokens",
  "output token": "output tokens",
  requests: "requests",
  request: "requests",
  calls: "requests",
  call: "requests",
  "concurrent calls": "concurrent",
  "concurrent requests": "concurrent",
  "concurrent call": "concurrent",
  concurrent: "concurrent",
};

const windowNames: Readonly<Record<string, Window>> = {
  s: "second",
  sec: "second",
  second: "second",
  min: "minute",
  minute: "minute",
  h: "hour",
  hour: "hour",
  day: "day",
  week: "week",
  month: "month",
};

const durationUnits = { ms: 1, s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const duration = /^(?:\d{1,6} ?(?:ms|sec|s|min|m|h|d))+$/;
const LONGEST_WINDOW_MS = 3_660 * durationUnits.d;
/* Lengths that have a name lie where that does. */
const named = new Map<number, Window>([
  [durationUnits.s, "second"],
  [durationUnits.min, "minute"],
  [durationUnits.h, "hour"],
  [durationUnits.d, "day"],
]);

/** `min`, `5min`, `90s`, `1h30m`; undefined for what is no window. */
function readWindow(text: string): Window | undefined {
  if (Object.hasOwn(windowNames, text)) return windowNames[text];
  if (!duration.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+) ?([a-z]+)/g))
    ms += Number(count) * durationUnits[unit as keyof typeof durationUnits];
  if (ms < durationUnits.s || ms > LONGEST_WINDOW_MS) return undefined;
  return named.get(ms) ?? ms;
}

const multiples = { "": 1, k: 1_000, M: 1_000_000, G: 1_000_000_000 } as const;
const counted = /^(\d{1,12}(?:\.\d{1,6})?)(k|M|G|) ([a-z ]+)$/;
/* Four million dollars: twice as much and a sum of doubles would no longer be exact. */
const LARGEST = 4e15;

export const LIMIT_FORMS =
  'a limit such as "500k tokens/min on llama", "10k tokens/min", "200 calls", "20 concurrent calls" or "$200/day"; ' +
  "windows: second, minute, hour, day, week, month, or a duration from 1s on such as 90s, 5min, 1h30m; things: tokens, input tokens, output tokens, requests, calls, concurrent calls, dollars";

/** Reads one line of `limits`; a text that cannot be honoured gives what is wrong with it. */
export function parseLimit(text: string): Limit | string {
  const [, body = "", on] = /^(.*?)(?: on (\S+))?$/.exec(text.trim()) ?? [];
  const [amountText = "", windowText, ...more] = body.split("/").map((part) => part.trim());
  if (more.length > 0) return LIMIT_FORMS;
  const window = windowText === undefined ? "none" : readWindow(windowText);
  if (window === undefined) return LIMIT_FORMS;
  const measured = amountText.startsWith("$") ? readMoney(amountText) : readCount(amountText);
  if (measured === undefined) return LIMIT_FORMS;
  const { thing, amount } = measured;
  if (!Number.isSafeInteger(amount) || amount < 1 || amount > LARGEST)
    return `an amount of at least one unit and at most ${LARGEST} of them, or $4,000,000; ${LIMIT_FORMS}`;
  if (thing === "concurrent" && window !== "none")
    return 'concurrent calls have no window: write "20 concurrent calls"';
  return { text: text.trim(), thing, amount, window, on };
}

function readMoney(text: string): Pick<Limit, "thing" | "amount"> | undefined {
  const amount = parseDollars(text);
  return amount === undefined ? undefined : { thing: "money", amount };
}

function readCount(text: string): Pick<Limit, "thing" | "amount"> | undefined {
  const [, digits, multiple = "", name = ""] = counted.exec(text) ?? [];
  const thing = Object.hasOwn(things, name) ? things[name] : undefined;
  if (digits === undefined || thing === undefined) return undefined;
  return { thing, amount: Math.round(Number(digits) * multiples[multiple as keyof typeof multiples]) };
}

/** What its counters are kept under: the same limit with another amount goes on with what was used. */
export const counterNameOf = ({ thing, window, on = "" }: Limit): string => `${thing}/${window}/${on}`;
