import type { ChainSort } from "../api/chains.ts";
import { dateAndMinute, duration } from "./format.ts";
import { principalName } from "./principal.ts";

export type Query = Readonly<Record<string, string>>;

export const sorts: readonly (readonly [ChainSort, string])[] = [
  ["newest", "Newest"],
  ["cost", "Dearest"],
  ["calls", "Most calls"],
  ["used", "Took most"],
];

/* As the API takes them. */
const asked = "q outcome rule budget error from to charged under key".split(" ");

/** Whether one counter is asked for, of which can be said how much a chain took. */
export const isByCounter = ({ charged, under }: Query): boolean => charged !== undefined && under !== undefined;

/** The order of a list: by what was taken of a counter only where a counter is asked for. */
export function sortOf(query: Query): ChainSort {
  const wanted = sorts.find(([name]) => name === query["sort"])?.[0] ?? "newest";
  return wanted === "used" && !isByCounter(query) ? "newest" : wanted;
}

/* Of a chain or a request. */
const wholeId = /^[0-9a-f-]{32,36}$/i;

/** What the API is asked for, by the address. Chains without a call (handshakes, lists) come along where `idle` says so, and where one is named. */
export function chainSearch(query: Query): string {
  const { q = "", idle } = query;
  const search = new URLSearchParams({ sort: sortOf(query) });
  if (idle === undefined && !wholeId.test(q)) search.set("only", "calls");
  for (const name of asked) if (query[name] !== undefined) search.set(name, query[name]);
  return search.toString();
}

/** Whether somebody looks for something: a list without rows is then no gateway without calls. */
export const isNarrowed = (query: Query): boolean => asked.some((name) => query[name] !== undefined);

/** Addresses change them all at once. */
export const unnarrowed: Query = Object.fromEntries(asked.map((name) => [name, ""]));

/** What links lead to and no field shows: a sentence for each, and what to change in the address to be rid of it. */
export function narrowings({ rule, budget, error, charged, under, key }: Query): readonly {
  readonly text: string;
  readonly without: Query;
}[] {
  const whose = key === undefined ? "" : ` of ${principalName(key)}`;
  return [
    ...(rule === undefined ? [] : [{ text: `Denied by the rule ${rule}`, without: { rule: "" } }]),
    ...(budget === undefined ? [] : [{ text: `Refused by the budget ${budget}`, without: { budget: "" } }]),
    ...(error === undefined ? [] : [{ text: `Failed with ${error.replaceAll("_", " ")}`, without: { error: "" } }]),
    ...(charged === undefined
      ? []
      : [
          {
            text: `Charged in the budget ${charged}${under === undefined ? "" : ` (${under})`}${whose}`,
            without: { charged: "", under: "", key: "", sort: "" },
          },
        ]),
  ];
}

const spans = [900_000, 3_600_000, 86_400_000] as const;
const ANY = "~";

/** When chains were under way: `from~to`. Some times up to now, and that of the address where it is none of them. */
export function timeChoices(
  { from = "", to = "" }: Query,
  now: number,
): readonly (readonly [value: string, word: string])[] {
  const given = `${from}~${to}`;
  const lately = spans.map(
    (span) => [`${Math.floor((now - span) / 60_000) * 60_000}~`, `In the last ${duration(span)}`] as const,
  );
  return [
    [ANY, "At any time"],
    ...(given === ANY ? [] : [[given, timeText(from, to)] as const]),
    ...lately.filter(([value]) => value !== given),
  ];
}

const instantText = (text: string): string => {
  const ms = Number(text);
  return Number.isNaN(new Date(ms).getTime()) ? text : dateAndMinute(ms);
};

function timeText(from: string, to: string): string {
  if (to === "") return `Since ${instantText(from)}`;
  return from === "" ? `Until ${instantText(to)}` : `${instantText(from)} to ${instantText(to)}`;
}
