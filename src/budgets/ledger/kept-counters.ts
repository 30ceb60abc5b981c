import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Entry, Store } from "../../state/store.ts";
import { Counter, type Term } from "./counter.ts";
import { type KeptTail, later, openKeptTail, type Saved, type SavedAs } from "./kept-tail.ts";
import { windowEnd } from "./windows.ts";

const collection = "ledger";
const PAGE = 1_000;
/* What is booked reaches the store within this, and the tail at once. */
const WRITE_AFTER_MS = 100;
/* A window that is over is of use to nobody; this much later no clock that was set back needs it either. */
const KEEP_BEYOND_MS = 3_600_000;

/** Counters of one process that outlive it: read at the start, written behind. */
export interface KeptCounters {
  /** A new counter, as the former process left it. */
  make(term: Term): Counter;
  /** What was booked in them is to be kept, where `make` has made them; a process that is killed when this has returned has lost nothing of it. */
  booked(counters: readonly Counter[]): void;
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
  /** How long that file may become. */
  readonly mostTailBytes?: number;
}

/* Plain names as they are; 132 bits for the others, so that no two will ever meet. */
const plain = /^[\w:.@/|+=,#$%-]{1,200}$/;
const nameOf = ({ group, key }: Term): string => {
  const name = `${group}|${key}`;
  return plain.test(name) ? name : `#${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
};

/* Twice what 200,000 counters take. */
const MOST_TAIL_BYTES = 67_108_864;

/* Notes of a counter between two writings of the store that say exactly what was booked. */
const EXACT_NOTES = 4;
/* The share of a limit that later ones may say too much. */
const AHEAD_SHARE = 0.01;

/** What a note says of a counter. */
interface Note {
  readonly windowStartMs: number;
  readonly spent: number;
  readonly debt: number;
}

const nothing: Note = { windowStartMs: -1, spent: 0, debt: 0 };

class KeptCounter extends Counter {
  readonly term: Term;
  readonly name: string;
  /** Whether it waits for the store. */
  waits = false;
  /** What the store was last given, and what the tail says beyond it. */
  stored: Note = nothing;
  noted: Note = nothing;
  notes = 0;

  constructor(term: Term, name: string) {
    super();
    this.term = term;
    this.name = name;
  }

  /** Whether a process that ends now has forgotten nothing of it. */
  get isNoted(): boolean {
    const { windowStartMs, spent, debt } = this.noted;
    return this.windowStartMs === windowStartMs && this.debt === debt && this.spent <= spent;
  }

  /**
   * What is to be noted. Under load that is as much again as was booked since the store was written, so that not every call writes
   * one: what a process that is killed has not spent of it is taken for spent.
   */
  note(): Note {
    const { windowStartMs, spent, debt, term, stored } = this;
    this.notes += 1;
    let ahead = 0;
    if (this.notes > EXACT_NOTES && debt === 0) {
      const booked = stored.windowStartMs === windowStartMs ? spent - stored.spent : spent;
      ahead = Math.max(0, Math.min(booked, Math.floor(term.limit * AHEAD_SHARE), term.limit - spent));
    }
    this.noted = { windowStartMs, spent: spent + ahead, debt };
    return this.noted;
  }

  /** What is to be stored. */
  store(): Note {
    const { windowStartMs, spent, debt } = this;
    this.waits = false;
    this.stored = { windowStartMs, spent, debt };
    this.noted = nothing;
    this.notes = 0;
    return this.stored;
  }
}

function toSaved({ term, name, seenMs }: KeptCounter, { windowStartMs, spent, debt }: Note): SavedAs {
  const endMs = windowEnd(term.window, windowStartMs);
  const keptMs = term.window === "none" ? term.idleMs : Math.max(0, endMs - seenMs) + KEEP_BEYOND_MS;
  /* Debt is paid by windows to come. */
  const expiresAtMs = keptMs === undefined || debt > 0 ? undefined : seenMs + keptMs;
  return { name, windowStartMs, spent, debt, expiresAtMs };
}

const toEntry = ({ name, windowStartMs, spent, debt, expiresAtMs }: SavedAs, nowMs: number): Entry<Saved> => ({
  key: name,
  json: `{"windowStartMs":${windowStartMs},"spent":${spent},"debt":${debt}}`,
  ...(expiresAtMs !== undefined && { ttlMs: Math.max(0, expiresAtMs - nowMs) }),
});

/** Opens the counters in this store. Only one process may have them: what another writes is not seen. */
export async function openKeptCounters(options: KeptCountersOptions): Promise<KeptCounters> {
  const { store, tailFile, clock, log, mostTailBytes = MOST_TAIL_BYTES } = options;
  const saved = new Map<string, Saved>();
  let after: string | undefined;
  do {
    const page = await store.list<Saved>(collection, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key, value } of page.records) saved.set(key, value);
    after = page.next;
  } while (after !== undefined);
  const tail = openKeptTail(tailFile, log);
  await takeOver(tail);

  let waiting: KeptCounter[] = [];
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
      const entries = batch.map((counter) => toEntry(toSaved(counter, counter.store()), counter.seenMs));
      waiting = waiting.slice(PAGE);
      underWay += 1;
      try {
        await store.putMany(collection, entries);
      } catch (error) {
        /* They stay to be written: a counter that is forgotten lets a limit be used twice. */
        for (const counter of batch) mark(counter);
        throw error;
      } finally {
        underWay -= 1;
      }
    }
    if (underWay === 0) tail.clear();
  }

  function mark(counter: KeptCounter): void {
    if (counter.waits) return;
    counter.waits = true;
    waiting.push(counter);
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
      const name = nameOf(term);
      const counter = new KeptCounter(term, name);
      const former = saved.get(name);
      if (former === undefined) return counter;
      saved.delete(name);
      counter.windowStartMs = former.windowStartMs;
      counter.seenMs = former.windowStartMs;
      counter.spent = former.spent;
      counter.debt = former.debt;
      counter.stored = former;
      return counter;
    },
    booked(counters) {
      let noted: SavedAs[] | undefined;
      for (const counter of counters) {
        if (!(counter instanceof KeptCounter)) continue;
        mark(counter);
        if (!counter.isNoted) (noted ??= []).push(toSaved(counter, counter.note()));
      }
      if (noted !== undefined) tail.append(noted);
      if (tail.bytes > mostTailBytes && underWay === 0) {
        /* The store has not taken anything for long: the latest of each counter says all. */
        tail.clear();
        tail.append(waiting.map((counter) => toSaved(counter, counter.note())));
      }
      if (waiting.length > 0) flushSoon();
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
