import { createHash } from "node:crypto";
import type { Log } from "../core/log.ts";
import type { Entry, Store } from "../state/store.ts";
import { Counter, type Term } from "./counter.ts";
import { windowEnd } from "./windows.ts";

const collection = "ledger";
const PAGE = 1_000;
/* What is booked reaches the file within this. A crash of the process forgets no more than that. */
const WRITE_AFTER_MS = 20;
/* A window that is over is of use to nobody; this much later no clock that was set back needs it either. */
const KEEP_BEYOND_MS = 3_600_000;

interface Saved {
  readonly windowStartMs: number;
  readonly spent: number;
  readonly debt: number;
}

/** Counters of one process that outlive it: read at the start, written behind. */
export interface KeptCounters {
  /** A new counter, as the former process left it. */
  make(term: Term): Counter;
  /** What was booked in it is to be kept. */
  changed(term: Term, counter: Counter): void;
  /** Writes what waits. Rejects when the store cannot take it. */
  flush(): Promise<void>;
}

/* Plain names as they are; 132 bits for the others, so that no two will ever meet. */
const plain = /^[\w:.@/|+=,#$%-]{1,200}$/;
const nameOf = ({ group, key }: Term): string => {
  const name = `${group}|${key}`;
  return plain.test(name) ? name : `#${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
};

interface Waiting {
  readonly term: Term;
  readonly counter: Counter;
}

/** Opens the counters in this store. Only one process may have them: what another writes is not seen. */
export async function openKeptCounters(store: Pick<Store, "list" | "putMany">, log: Log): Promise<KeptCounters> {
  const saved = new Map<string, Saved>();
  let after: string | undefined;
  do {
    const page = await store.list<Saved>(collection, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key, value } of page.records) saved.set(key, value);
    after = page.next;
  } while (after !== undefined);

  let waiting: Waiting[] = [];
  const marked = new WeakSet<Counter>();
  let timer: NodeJS.Timeout | undefined;

  function toEntry({ term, counter }: Waiting): Entry<Saved> {
    const { windowStartMs, spent, debt } = counter;
    const endMs = windowEnd(term.window, windowStartMs);
    const ttlMs = term.window === "none" ? term.idleMs : Math.max(0, endMs - counter.seenMs) + KEEP_BEYOND_MS;
    return {
      key: nameOf(term),
      json: `{"windowStartMs":${windowStartMs},"spent":${spent},"debt":${debt}}`,
      // Debt is paid by windows to come.
      ...(ttlMs === undefined || debt > 0 ? {} : { ttlMs }),
    };
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, PAGE);
      const entries = batch.map(toEntry);
      for (const { counter } of batch) marked.delete(counter);
      waiting = waiting.slice(PAGE);
      try {
        await store.putMany(collection, entries);
      } catch (error) {
        // They stay to be written: a counter that is forgotten lets a limit be used twice.
        for (const each of batch) mark(each.term, each.counter);
        throw error;
      }
    }
  }

  function mark(term: Term, counter: Counter): void {
    if (marked.has(counter)) return;
    marked.add(counter);
    waiting.push({ term, counter });
  }

  function later(): void {
    timer ??= setTimeout(() => {
      flush().catch((error: unknown) => {
        log.error({ error }, "what budgets have spent could not be written; it is kept and tried again");
        later();
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
    changed(term, counter) {
      mark(term, counter);
      later();
    },
    flush,
  };
}
