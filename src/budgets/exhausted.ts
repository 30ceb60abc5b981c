import { GatewayError } from "../core/errors.ts";
import type { Line } from "./budget.ts";
import type { Thing } from "./limit.ts";
import { formatDollars } from "./money.ts";
import { windowEnd } from "./ledger/windows.ts";

/** A line that has no room, and what was asked of it. */
export interface Shortage {
  readonly line: Line;
  /** Spent, reserved and owed. */
  readonly used: number;
  readonly needed: number;
  /** Part of what is used: what windows to come begin with. */
  readonly debt: number;
  /** When its window ends; 0: never. */
  readonly endsMs: number;
  readonly nowMs: number;
}

/* The official clients take no wait over a minute, and would try again at once instead. */
const LONGEST_CLIENT_WAIT_MS = 60_000;
/* Other calls may end at any moment. */
const CONCURRENT_WAIT_MS = 1_000;

const units: Readonly<Record<Thing, string>> = {
  tokens: "tokens",
  "input tokens": "tokens",
  "output tokens": "tokens",
  requests: "requests",
  concurrent: "requests",
  money: "cost",
};

function amountText(thing: Thing, amount: number): string {
  if (thing === "money") return formatDollars(amount);
  const things = thing === "concurrent" ? "concurrent calls" : thing;
  return `${amount} ${amount === 1 ? things.slice(0, -1) : things}`;
}

/** A length of time for people: `40 s`, `3 h 12 min`. */
function waitText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.ceil(hours / 24)} days`;
}

/* A debt of more windows than this is told as one of this many. */
const MOST_WINDOWS = 1_000;

/** When there will be room: at the end of the window, or of a later one where debt fills the next. */
function roomAtMs({ line: { limit }, needed, debt, endsMs }: Shortage): number {
  let atMs = endsMs;
  let owed = debt;
  for (let left = MOST_WINDOWS; left > 0 && owed + needed > limit.amount; left--) {
    owed -= limit.amount;
    atMs = windowEnd(limit.window, atMs);
  }
  return atMs;
}

/** The refusal of a call for which a budget has no room. */
export function exhausted(shortage: Shortage): GatewayError {
  const { line, used, needed, endsMs, nowMs } = shortage;
  const { budget, limit } = line;
  const { thing, amount } = limit;
  const left = Math.max(0, amount - used);
  const tooMuch = needed > amount;
  const atMs = endsMs === 0 || tooMuch ? endsMs : roomAtMs(shortage);
  const waitMs = thing === "concurrent" ? CONCURRENT_WAIT_MS : atMs === 0 ? undefined : Math.max(1, atMs - nowMs);
  const canWait = waitMs !== undefined && !tooMuch;
  const advice = tooMuch
    ? "It can never fit: ask for less."
    : waitMs === undefined
      ? "It is not filled up again."
      : `Try again in ${waitText(waitMs)}.`;
  const unit = units[thing];
  const headers: Record<string, string> = {
    "x-should-retry": String(canWait && waitMs <= LONGEST_CLIENT_WAIT_MS),
    [`x-ratelimit-limit-${unit}`]: thing === "money" ? formatDollars(amount) : String(amount),
    [`x-ratelimit-remaining-${unit}`]: thing === "money" ? formatDollars(left) : String(left),
  };
  if (canWait) {
    headers["retry-after"] = String(Math.ceil(waitMs / 1_000));
    headers["retry-after-ms"] = String(Math.ceil(waitMs));
    headers[`x-ratelimit-reset-${unit}`] = `${Math.ceil(waitMs / 1_000)}s`;
  }
  return new GatewayError(
    "budget_exhausted",
    `The budget ${budget.name} (${limit.text}) has ${amountText(thing, left)} left, and this call needs room for ${amountText(thing, needed)}. ${advice}`,
    {
      headers,
      data: {
        budget: budget.name,
        limit: limit.text,
        remaining: left,
        ...(atMs !== 0 && { resetsAtMs: atMs }),
        onExhausted: budget.onExhausted,
      },
    },
  );
}

/** The refusal of a call that a budget in dollars cannot reckon with. */
export function unpriced(line: Line, candidate: string): GatewayError {
  const { name, onExhausted } = line.budget;
  return new GatewayError(
    "budget_exhausted",
    `The budget ${name} is in dollars, and nobody knows what ${candidate} costs. Its operator can state \`price\` for the model, or set \`unknownPrice: allow\`.`,
    { headers: { "x-should-retry": "false" }, data: { budget: name, limit: line.limit.text, onExhausted } },
  );
}
