import { createHash } from "node:crypto";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { createOpenSet, type Placed } from "../../core/open-set.ts";
import type { Store } from "../../state/store.ts";
import type { Term } from "./counter.ts";
import type { Lease, Standing } from "./counting.ts";
import type { Hold, Ledger } from "./ledger.ts";
import { type Deed, ledgerScript, parseStanding } from "./ledger-script.ts";
import { createSettlements } from "./settlements.ts";
import { toWindowCode } from "./windows.ts";

export interface StoreLedgerOptions {
  readonly store: Pick<Store, "run">;
  readonly lease: Lease;
  readonly log: Log;
  /** Longest wait for the store in a call that somebody waits for. */
  readonly timeoutMs: number;
  /** Told of what was settled and could never be booked. */
  readonly onLost?: () => void;
}

/** Terms that lie under one tag: what one script can reach. */
interface Group {
  readonly keys: readonly string[];
  /** Where its terms stand among those of the hold. */
  readonly places: readonly number[];
  readonly terms: readonly Term[];
}

class StoreHold implements Hold, Placed {
  place = -1;
  settled = false;
  /** Turns of the renewal since it was last told to the store. */
  age = 0;
  readonly id: string;
  readonly terms: readonly Term[];
  readonly groups: readonly Group[];

  constructor(id: string, terms: readonly Term[], groups: readonly Group[]) {
    this.id = id;
    this.terms = terms;
    this.groups = groups;
  }
}

/* Keys of the store are short ASCII; names of tenants and keys are any text. 132 bits: no two will ever meet. */
const hash = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 22);

/* A term is made once for each key of a budget, and so is its place in the store. */
const placesOf = new WeakMap<Term, { readonly tag: string; readonly key: string }>();

function placeOf(term: Term): { readonly tag: string; readonly key: string } {
  const known = placesOf.get(term);
  if (known !== undefined) return known;
  const tag = term.group === "" ? "ledger{all}" : `ledger{${hash(term.group)}}`;
  const place = { tag, key: `${tag}:c:${hash(term.key)}` };
  placesOf.set(term, place);
  return place;
}

/** What all tenants share comes first: it is the likelier to be used up, and giving it back is the same work. */
function groupsOf(id: string, terms: readonly Term[]): readonly Group[] {
  const tags = [...new Set(terms.map((term) => placeOf(term).tag))].toSorted(
    (one, other) => Number(other === "ledger{all}") - Number(one === "ledger{all}"),
  );
  return tags.map((tag) => {
    const places = terms.flatMap((term, at) => (placeOf(term).tag === tag ? [at] : []));
    const own = places.map((at) => terms[at]!);
    return { keys: [`${tag}:h:${id}`, ...own.map((term) => placeOf(term).key)], places, terms: own };
  });
}

/**
 * A ledger in the state store, shared by all replicas that share it. Each deed is one atomic script under one tag; a hold under
 * several tags is taken tag by tag, and given back when a later one has no room.
 */
export function createStoreLedger(options: StoreLedgerOptions): Ledger & { renew(): Promise<void> } {
  const { store, lease, log, timeoutMs } = options;
  const open = createOpenSet<StoreHold>();
  const settlements = createSettlements({ log, onLost: options.onLost ?? (() => {}) });
  const head = [String(lease.lengthMs), String(lease.grainMs)];

  function run(
    deed: Deed,
    { keys, places, terms }: Group,
    amounts: readonly number[] | undefined,
    totals?: readonly number[],
  ): Promise<string> {
    const args: string[] = [deed, ...head];
    for (const [index, { window, limit, idleMs }] of terms.entries()) {
      const at = places[index]!;
      args.push(
        String(toWindowCode(window)),
        String(limit),
        idleMs === undefined ? "" : String(idleMs),
        String(amounts?.[at] ?? 0),
        String(totals?.[at] ?? 0),
      );
    }
    return store.run(ledgerScript, keys, args);
  }

  const ask = async (
    deed: Deed,
    group: Group,
    amounts?: readonly number[],
    totals?: readonly number[],
  ): Promise<Standing> => {
    const text = await inTime(run(deed, group, amounts, totals), timeoutMs);
    return parseStanding(text) ?? { fits: false, nowMs: 0, used: [], endsMs: [], debts: [] };
  };

  const known = (hold: Hold): StoreHold => {
    if (hold instanceof StoreHold) return hold;
    throw new TypeError("This hold is another ledger's.");
  };

  function settle(hold: StoreHold, groups: readonly Group[], used: readonly number[] | undefined): void {
    for (const group of groups) settlements.add(async () => void (await run("settle", group, used)));
    open.delete(hold);
  }

  return {
    open: (id, terms) => new StoreHold(id, terms, groupsOf(id, terms)),

    async reserve(given, amounts) {
      const hold = known(given);
      const standings: Standing[] = [];
      for (const [at, group] of hold.groups.entries()) {
        let standing;
        try {
          standing = await ask("reserve", group, amounts);
        } catch (error) {
          /* It may have been done all the same, and its answer lost. Tried once: what stays reserved comes back when the lease ends. */
          for (const each of hold.groups.slice(0, at + 1)) run("settle", each, undefined).catch(() => {});
          throw error;
        }
        standings.push(standing);
        if (standing.fits) continue;
        settle(hold, hold.groups.slice(0, at), undefined);
        return join(hold, standings, amounts.length);
      }
      hold.age = 0;
      open.add(hold);
      return join(hold, standings, amounts.length);
    },

    async extend(given, used, totals) {
      const hold = known(given);
      const standings: Standing[] = [];
      for (const group of hold.groups) {
        const standing = await ask("extend", group, used, totals);
        standings.push(standing);
        /* What an earlier group has set aside stays so until the end: it is taken back with the rest. */
        if (!standing.fits) break;
      }
      hold.age = 0;
      return join(hold, standings, totals.length);
    },

    settle(given, used) {
      const hold = known(given);
      if (hold.settled) return;
      hold.settled = true;
      settle(hold, hold.groups, used);
    },

    async read(terms) {
      const groups = groupsOf("none", terms);
      const standings: Standing[] = [];
      for (const group of groups) standings.push(await ask("read", group));
      return join({ groups }, standings, terms.length);
    },

    async renew() {
      const due = open.all().filter((hold) => hold.age++ > 0);
      await Promise.allSettled(
        due.map(async (hold) => {
          for (const group of hold.groups) if (!hold.settled) await run("renew", group, undefined);
          hold.age = 0;
        }),
      );
    },

    close: () => settlements.close(),
  };
}

/** The standings of groups as one, in the order of all terms. A group that was not asked stands as empty. */
function join(
  { groups }: { readonly groups: readonly Group[] },
  standings: readonly Standing[],
  count: number,
): Standing {
  const [only] = standings;
  if (only !== undefined && groups.length === 1) return only;
  const used = Array.from<number>({ length: count }).fill(0);
  const endsMs = [...used];
  const debts = [...used];
  for (const [index, standing] of standings.entries())
    for (const [at, place] of (groups[index]?.places ?? []).entries()) {
      used[place] = standing.used[at] ?? 0;
      endsMs[place] = standing.endsMs[at] ?? 0;
      debts[place] = standing.debts[at] ?? 0;
    }
  return { fits: standings.every(({ fits }) => fits), nowMs: standings.at(-1)?.nowMs ?? 0, used, endsMs, debts };
}

function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new GatewayError("state_unavailable", "The budgets cannot be looked up at the moment."));
    /* After a turn of the event loop that took long, an answer may lie there unread: it is read before it is given up. */
    const timer = setTimeout(() => setImmediate(fail), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
