import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Entry, Store } from "../state/store.ts";
import { Counter, type Term } from "./counter.ts";
import { type KeptTail, later, openKeptTail, type Saved, type SavedAs } from "./kept-tail.ts";
import { windowEnd } from "./windows.ts";

const collection = "ledger";
const PAGE = 1_000;
/* What is booked reaches the store within this, and the tail at once. */
const WRITE_AFTER_MS = 20;
/* A window that is over is of use to nobody; this much later no clock that was set back needs it either. */
const KEEP_BEYOND_MS = 3_600_000;

/** Counters of one process that outlive it: read at the start, written behind. */
export interface KeptCounters {
  /** A new counter, as the former process left it. */
  make(term: Term): Counter;
  /** What was booked in them is to be kept, but for lone terms; a process that is killed when this has returned has lost nothing of it. */
  booked(terms: readonly Term[], counters: readonly Counter[]): void;
  /** Writes what waits. Rejects when the store cannot take it. */
  flush(): Promise<void>;
  /** Writes what waits, and lets go of the files. */
  close(): Promise<void>;
}

export interface KeptCountersOptions {
  readonly store: Pick<Store, "list" | "putMany">;
  /** A file of its own, for what the store does not have yet. */
  readonly tailFile: string;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
}

/* Plain names as they are; 132 bits for the others, so that no two will ever meet. */
const plain = /^[\w:.@/|+=,#$%-]{1,200}$/;
const toName = ({ group, key }: Term): string => {
  const name = `${group}|${key}`;
  return plain.test(name) ? name : `#${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
};

/* A term is made once for each key of a budget, and so is its name. */
const names = new WeakMap<Term, string>();

function nameOf(term: Term): string {
  let name = names.get(term);
  if (name === undefined) names.set(term, (name = toName(term)));
  return name;
}

function toSaved(term: Term, { windowStartMs, spent, debt, seenMs }: Counter): SavedAs {
  const endMs = windowEnd(term.window, windowStartMs);
  const keptMs = term.window === "none" ? term.idleMs : Math.max(0, endMs - seenMs) + KEEP_BEYOND_MS;
  /* Debt is paid by windows to come. */
  const expiresAtMs = keptMs === undefined || debt > 0 ? undefined : seenMs + keptMs;
  return { name: nameOf(term), windowStartMs, spent, debt, expiresAtMs };
}

const toEntry = ({ name, windowStartMs, spent, debt, expiresAtMs }: SavedAs, nowMs: number): Entry<Saved> => ({
  key: name,
  json: `{"windowStartMs":${windowStartMs},"spent":${spent},"debt":${debt}}`,
  ...(expiresAtMs !== undefined && { ttlMs: Math.max(0, expiresAtMs - nowMs) }),
});

interface Waiting {
  readonly term: Term;
  readonly counter: Counter;
}

/** Opens the counters in this store. Only one process may have them: what another writes is not seen. */
export async function openKeptCounters({ store, tailFile, clock, log }: KeptCountersOptions): Promise<KeptCounters> {
  const saved = new Map<string, Saved>();
  let after: string | undefined;
  do {
    const page = await store.list<Saved>(collection, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key, value } of page.records) saved.set(key, value);
    after = page.next;
  } while (after !== undefined);
  const tail = openKeptTail(tailFile, log);
  await takeOver(tail);

  let waiting: Waiting[] = [];
  const marked = new WeakSet<Counter>();
  let timer: NodeJS.Timeout | undefined;
  let underWay = 0;

  /** What the former process had noted and not written. */
  async function takeOver({ left, clear }: KeptTail): Promise<void> {
    const found = new Map<string, SavedAs>();
    for (const each of left) found.set(each.name, later(each, found.get(each.name) ?? each));
    for (const [name, each] of found) {
      const known = saved.get(name);
      if (known !== undefined && later(known, each) === known) found.delete(name);
      else saved.set(name, each);
    }
    const entries = [...found.values()].map((each) => toEntry(each, clock.now()));
    for (let at = 0; at < entries.length; at += PAGE) await store.putMany(collection, entries.slice(at, at + PAGE));
    clear();
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, PAGE);
      const entries = batch.map(({ term, counter }) => toEntry(toSaved(term, counter), counter.seenMs));
      for (const { counter } of batch) marked.delete(counter);
      waiting = waiting.slice(PAGE);
      underWay += 1;
      try {
        await store.putMany(collection, entries);
      } catch (error) {
        /* They stay to be written: a counter that is forgotten lets a limit be used twice. */
        for (const { term, counter } of batch) mark(term, counter);
        throw error;
      } finally {
        underWay -= 1;
      }
    }
    if (underWay === 0) tail.clear();
  }

  function mark(term: Term, counter: Counter): void {
    if (marked.has(counter)) return;
    marked.add(counter);
    waiting.push({ term, counter });
  }

  function flushSoon(): void {
    timer ??= setTimeout(() => {
      flush().catch((error: unknown) => {
        log.error({ error }, "what budgets have spent could not be written; it is kept and tried again");
        flushSoon();
      });
    }, WRITE_AFTER_MS).unref();
  }

  return {
    make(term) {
      const counter = new Counter();
      if (saved.size === 0) return counter;
      const name = nameOf(term);
      const former = saved.get(name);
      if (former === undefined) return counter;
      saved.delete(name);
      counter.windowStartMs = former.windowStartMs;
      counter.seenMs = former.windowStartMs;
      counter.spent = former.spent;
      counter.debt = former.debt;
      return counter;
    },
    booked(terms, counters) {
      const noted: SavedAs[] = [];
      for (let at = 0; at < counters.length; at++) {
        const [term, counter] = [terms[at]!, counters[at]!];
        if (term.lone) continue;
        noted.push(toSaved(term, counter));
        mark(term, counter);
      }
      if (noted.length === 0) return;
      tail.append(noted);
      flushSoon();
    },
    flush,
    async close() {
      try {
        await flush();
      } finally {
        tail.close();
      }
    },
  };
}
