import { setImmediate } from "node:timers/promises";
import type { Journal } from "../observability/journal.ts";
import type { JournalRecord } from "../observability/journal-record.ts";
import { GrowingChain } from "./chain-rows.ts";

/** The chains of the journal's newest records. */
export interface IndexedChains {
  readonly chains: readonly GrowingChain[];
  /** When the oldest record that was looked at began; undefined without any. */
  readonly sinceMs: number | undefined;
  /** Whether the journal has no older ones. */
  readonly complete: boolean;
}

export interface ChainIndex {
  /** As of a moment ago: what was recorded since the last look is read, and no more. */
  look(): Promise<IndexedChains>;
}

/* Some 300 ms of reading at the first look, in pieces. */
const MOST_RECORDS = 30_000;
const PAGE = 1_000;
const FRESH_MS = 1_000;
/* What nobody looks at is forgotten. */
const IDLE_MS = 600_000;
/* The journal drops what is old or too much, and says nothing of it: so long at most chains are listed that it no longer has. */
const REBUILD_MS = 300_000;

class Index {
  readonly builtMs: number;
  readonly chains = new Map<string, GrowingChain>();
  readonly #known = new Set<string>();
  sinceMs: number | undefined;
  complete = false;

  constructor(builtMs: number) {
    this.builtMs = builtMs;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Whether it was new. */
  take(record: JournalRecord): boolean {
    if (this.#known.has(record.id)) return false;
    this.#known.add(record.id);
    this.sinceMs = Math.min(this.sinceMs ?? record.timeMs, record.timeMs);
    let chain = this.chains.get(record.chainId);
    if (chain === undefined) this.chains.set(record.chainId, (chain = new GrowingChain(record.chainId)));
    chain.add(record);
    return true;
  }
}

/**
 * Sums up the journal by chains, when somebody looks: nothing is done for it on the way of a call. It sees what all replicas with a shared store
 * have written.
 */
export function createChainIndex(journal: Pick<Journal, "query">, clock: { now(): number }): ChainIndex {
  let index = new Index(clock.now());
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let idle: NodeJS.Timeout | undefined;

  /** Reads from the newest until a whole page was known. Records of several processes do not come strictly in order. */
  async function readInto(index: Index): Promise<Index> {
    const isFirst = index.size === 0;
    let after: string | undefined;
    for (let count = 0; count < MOST_RECORDS;) {
      const page = await journal.query({ limit: PAGE, ...(after !== undefined && { after }) });
      let fresh = 0;
      for (const record of page.records) if (index.take(record)) fresh += 1;
      count += page.records.length;
      after = page.next;
      if (after === undefined) {
        index.complete = true;
        return index;
      }
      if (!isFirst && fresh === 0) return index;
      await setImmediate();
    }
    /* Between what was read now and what was read before there may be more. */
    return isFirst ? index : readInto(new Index(clock.now()));
  }

  async function read(): Promise<void> {
    const nowMs = clock.now();
    const isOld = index.size > 2 * MOST_RECORDS || nowMs - index.builtMs >= REBUILD_MS;
    index = await readInto(isOld ? new Index(nowMs) : index);
  }

  return {
    async look() {
      if (clock.now() - lookedAtMs >= FRESH_MS) {
        looking ??= read().finally(() => (looking = undefined));
        await looking;
        lookedAtMs = clock.now();
      }
      clearTimeout(idle);
      idle = setTimeout(() => {
        index = new Index(clock.now());
        lookedAtMs = Number.NEGATIVE_INFINITY;
      }, IDLE_MS);
      idle.unref();
      const { chains, sinceMs, complete } = index;
      return { chains: [...chains.values()], sinceMs, complete };
    },
  };
}
