import type { ScriptView, StoreScript } from "../../state/store.ts";
import { Counter, type Term } from "./counter.ts";
import {
  extendIn,
  type HoldPart,
  type HoldState,
  type Lease,
  renewIn,
  reserveIn,
  settleIn,
  standingOf,
  type Standing,
} from "./counting.ts";
import { ledgerLua } from "./ledger-lua.ts";
import { toWindow } from "./windows.ts";

/*
 * One script for everything a reservation goes through, so that each is one atomic step of any store.
 *
 * KEYS: the hold, then a counter for each term. All share a {tag}.
 * ARGV: what to do, the lease's length and grain in ms, then for each term: its window (by its code), its limit, how long an idle counter
 * is kept in ms (empty: for ever), the amount, and the total to extend to (`extend` alone).
 * Answers `1` or `0` for whether it fits (`2`: there is no such hold, so it is settled already), the time, then for each term what is
 * used, when its window ends and what is owed, all divided by commas.
 *
 * A counter's fields: t latest instant, w window start, s spent, d debt, b reservations as `lease end:amount,…`.
 * A hold's fields: e lease end, p its parts as `window start:held:accounted for before,…`. A hold that was settled is gone; one whose
 * lease has ended is kept for an hour, so that what its replica used can still be booked by it.
 */

export type Deed = "reserve" | "extend" | "renew" | "settle" | "read";

const HOLD_KEPT_MS = 3_600_000;

const numbers = (text: string | undefined): number[] =>
  text === undefined || text === "" ? [] : text.split(/[:,]/).map(Number);

function readCounter(fields: Readonly<Record<string, string>> | undefined): Counter {
  const counter = new Counter();
  if (fields === undefined) return counter;
  counter.seenMs = Number(fields["t"]);
  counter.windowStartMs = Number(fields["w"]);
  counter.spent = Number(fields["s"]);
  counter.debt = Number(fields["d"]);
  const leases = numbers(fields["b"]);
  for (let at = 0; at < leases.length; at += 2) counter.hold(leases[at]!, leases[at + 1]!);
  return counter;
}

function writeCounter(view: ScriptView, key: string, counter: Counter, term: Term, end: number, lease: Lease): void {
  const fields = {
    t: String(counter.seenMs),
    w: String(counter.windowStartMs),
    s: String(counter.spent),
    d: String(counter.debt),
    b: counter.leaseEnds.map((leaseEnd, at) => `${leaseEnd}:${counter.amounts[at]}`).join(","),
  };
  const slack = 2 * lease.lengthMs;
  if (term.window !== "none") {
    /* A debt outlives its window by another. */
    const left = end - counter.seenMs + slack + (counter.debt > 0 ? end - counter.windowStartMs : 0);
    view.set(key, fields, left);
  } else if (counter.spent === 0 && counter.debt === 0) view.set(key, fields, slack);
  else if (term.idleMs === undefined) view.set(key, fields);
  else view.set(key, fields, term.idleMs);
}

function readHold(fields: Readonly<Record<string, string>> | undefined): HoldState | undefined {
  if (fields === undefined) return undefined;
  const flat = numbers(fields["p"]);
  const parts: HoldPart[] = [];
  for (let at = 0; at < flat.length; at += 3)
    parts.push({ windowStartMs: flat[at]!, held: flat[at + 1]!, before: flat[at + 2]! });
  return { leaseEndMs: Number(fields["e"]), parts };
}

function writeHold(view: ScriptView, key: string, { leaseEndMs, parts }: HoldState, lease: Lease): void {
  const p = parts.map(({ windowStartMs, held, before }) => `${windowStartMs}:${held}:${before}`).join(",");
  view.set(key, { e: String(leaseEndMs), p }, lease.lengthMs + HOLD_KEPT_MS);
}

export const ledgerScript: StoreScript = {
  name: "ledger",
  lua: ledgerLua,
  run(view, keys, args) {
    const [deed, length, grain] = args as readonly [Deed, string, string];
    const lease: Lease = { lengthMs: Number(length), grainMs: Number(grain) };
    const holdKey = keys[0]!;
    const terms: Term[] = [];
    const amounts: number[] = [];
    const totals: number[] = [];
    for (let at = 3; at < args.length; at += 5) {
      const idle = args[at + 2]!;
      terms.push({
        key: "",
        group: "",
        window: toWindow(Number(args[at])),
        limit: Number(args[at + 1]),
        idleMs: idle === "" ? undefined : Number(idle),
      });
      amounts.push(Number(args[at + 3]));
      totals.push(Number(args[at + 4]));
    }
    const counters = terms.map((_, at) => readCounter(view.get(keys[at + 1]!)));
    const { nowMs } = view;
    let hold = deed === "read" ? undefined : readHold(view.get(holdKey));
    let standing: Standing;
    if (deed === "read" || (deed === "reserve" && hold !== undefined)) {
      /* A reserve that is told twice has been done. */
      standing = reserveIn(
        counters,
        terms,
        amounts.map(() => 0),
        nowMs,
        lease,
      ).standing;
      return toText("1", standing);
    }
    if (deed === "reserve") {
      const reserved = reserveIn(counters, terms, amounts, nowMs, lease);
      standing = reserved.standing;
      hold = reserved.state;
    } else {
      if (hold === undefined) return "2";
      if (deed === "extend") standing = extendIn(counters, terms, hold, amounts, totals, nowMs, lease);
      else {
        const doneMs =
          deed === "renew"
            ? renewIn(counters, terms, hold, nowMs, lease)
            : settleIn(counters, terms, hold, amounts, nowMs);
        standing = standingOf(true, counters, doneMs);
      }
    }
    if (!standing.fits) return toText("0", standing);
    for (const [at, counter] of counters.entries())
      writeCounter(view, keys[at + 1]!, counter, terms[at]!, standing.endsMs[at]!, lease);
    if (deed === "settle") view.delete(holdKey);
    else writeHold(view, holdKey, hold!, lease);
    return toText("1", standing);
  },
};

function toText(result: string, { nowMs, used, endsMs, debts }: Standing): string {
  let text = `${result},${nowMs}`;
  for (let at = 0; at < used.length; at++) text += `,${used[at]},${endsMs[at]},${debts[at]}`;
  return text;
}

/** What the script answered; undefined: there is no such hold. */
export function parseStanding(text: string): Standing | undefined {
  if (text === "2") return undefined;
  const [result, nowMs, ...rest] = numbers(text);
  const standing = {
    fits: result === 1,
    nowMs: nowMs!,
    used: [] as number[],
    endsMs: [] as number[],
    debts: [] as number[],
  };
  for (let at = 0; at < rest.length; at += 3) {
    standing.used.push(rest[at]!);
    standing.endsMs.push(rest[at + 1]!);
    standing.debts.push(rest[at + 2]!);
  }
  return standing;
}
