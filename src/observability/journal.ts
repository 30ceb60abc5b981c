import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import type { Store } from "../state/store.ts";
import type { JournalConfig } from "./config.ts";
import type { JournalRecord } from "./journal-record.ts";
import { toIndexedName, toJournalIndexes, toJournalRecord } from "./journal-record.ts";
import { createJournalWriter } from "./journal-writer.ts";

const COLLECTION = "journal";
/** Pages read for one query whose further conditions few records meet. */
const QUERY_CALLS = 10;

export interface JournalQuery {
  readonly chain?: string;
  readonly principal?: string;
  /** The target's name. */
  readonly target?: string;
  /** `ok` is not searchable. */
  readonly outcome?: Exclude<Outcome["status"], "ok">;
  /** 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface JournalPage {
  /** Newest first. */
  readonly records: readonly JournalRecord[];
  /** Present when more may follow; a page may then be short. */
  readonly next: string | undefined;
}

export interface Journal {
  /** Takes down one operation. Never waits and never throws; `policyHash` names the rules that were in force. */
  record(context: OperationContext, outcome: Outcome, policyHash: string): void;
  /** Throws GatewayError("state_unavailable") when the journal must be complete (`onFull: refuse`) and cannot take more. */
  checkRoom(): void;
  query(query: JournalQuery): Promise<JournalPage>;
  /** Writes what waits; gives up on the first failure. Whether nothing waits any more. */
  flush(): Promise<boolean>;
  /** Writes what waits, once more, and stops. */
  close(): Promise<void>;
}

export interface JournalDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Ids that sort by time, across processes to the millisecond and within one exactly, also when the clock is set back. */
function createIds(clock: Clock): () => string {
  const process = randomHex(4);
  let lastMs = 0;
  let count = 0;
  let prefix = "";
  return () => {
    const nowMs = clock.now();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      count = 0;
      prefix = nowMs.toString(36).padStart(9, "0");
    }
    count += 1;
    // Five digits: sixty million records in one millisecond.
    return `${prefix}${count.toString(36).padStart(5, "0")}${process}`;
  };
}

/** Reads along one index and picks what meets the other conditions too. */
async function search(store: Store, { limit, after, ...conditions }: JournalQuery): Promise<JournalPage> {
  const { chain, principal, target, outcome } = conditions;
  const wanted = Object.entries({ chain, principal, target, outcome }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, toIndexedName(value)] as const],
  );
  const [first, ...others] = wanted;
  const meetsOthers = (record: JournalRecord): boolean => {
    if (others.length === 0) return true;
    const indexes = toJournalIndexes(record);
    return others.every(([name, value]) => indexes[name] === value);
  };
  const records: JournalRecord[] = [];
  let from = after;
  for (let call = 0; call < QUERY_CALLS; call += 1) {
    const page = {
      limit: others.length === 0 ? limit - records.length : Math.min(1_000, limit * 4),
      descending: true,
      ...(from !== undefined && { after: from }),
    };
    const { records: read, next } = await (first === undefined
      ? store.list<JournalRecord>(COLLECTION, page)
      : store.find<JournalRecord>(COLLECTION, first[0], first[1], page));
    for (const { key, value } of read) {
      if (!meetsOthers(value)) continue;
      records.push(value);
      if (records.length === limit) {
        const isLast = next === undefined && key === read.at(-1)?.key;
        return { records, next: isLast ? undefined : key };
      }
    }
    from = next;
    if (from === undefined) break;
  }
  return { records, next: from };
}

/** Opens the journal over a store. Nothing is written on the caller's path. */
// oxlint-disable-next-line max-lines-per-function -- one closure over one queue
export function createJournal(config: JournalConfig, { store, clock, log, meter }: JournalDeps): Journal {
  const nextId = createIds(clock);

  /** As many of the oldest as were just written, and again as many, so that a lowered limit is reached too. */
  async function trim(count: number): Promise<void> {
    try {
      await store.trim(COLLECTION, config.maxRecords, 2 * count);
    } catch (error) {
      log.warn({ error }, "the journal could not be trimmed");
    }
  }

  const writer = createJournalWriter({
    async write(batch) {
      await store.putMany(
        COLLECTION,
        batch.map((record) => ({
          key: record.id,
          value: record,
          ttlMs: config.retention,
          indexes: toJournalIndexes(record),
        })),
      );
      await trim(batch.length);
    },
    log,
    meter,
  });

  return {
    record: (context, outcome, policyHash) => writer.add(toJournalRecord(nextId(), context, outcome, policyHash)),

    checkRoom() {
      if (config.onFull === "refuse" && !writer.hasRoom()) {
        throw new GatewayError(
          "state_unavailable",
          "The journal cannot record this request at the moment, and it must.",
        );
      }
    },

    async query(query) {
      // What this process recorded a moment ago is found; a store that is away answers the query itself.
      await writer.flush();
      return search(store, query);
    },

    flush: () => writer.flush(),

    close: () => writer.close(),
  };
}
