import { setImmediate } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import type { Page, Store } from "../state/store.ts";
import type { JournalConfig } from "./config.ts";
import type { JournalRecord } from "./journal-record.ts";
import { toIndexedName, toJournalIndexes, toJournalRecord } from "./journal-record.ts";

const COLLECTION = "journal";
/** A crash of the process loses at most what was recorded in this time, and in the writing that follows. */
const FLUSH_AFTER_MS = 100;
/** Some 5 ms of a SQLite file's time; the event loop gets a turn between batches. */
const BATCH = 250;
/** About 10 MB of waiting records. */
const MAX_WAITING = 10_000;
const LONGEST_RETRY_MS = 2_000;
const TRIM_EVERY_MS = 60_000;
/** Ten thousand records a round: more would hold up a SQLite file's other users. */
const TRIM_CALLS = 10;
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

/** Opens the journal over a store. Nothing is written on the caller's path. */
// oxlint-disable-next-line max-lines-per-function -- one closure over one queue
export function createJournal(config: JournalConfig, { store, clock, log, meter }: JournalDeps): Journal {
  const nextId = createIds(clock);
  const dropped = meter.counter("journal_dropped_total", "Journal records lost because the store could not take them", [
    "reason",
  ]);
  const written = meter.counter("journal_records_total", "Journal records written", []);
  const waitingGauge = meter.gauge("journal_waiting", "Journal records not yet written", []);
  let waiting: JournalRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<boolean> | undefined;
  let failures = 0;
  let closed = false;

  function schedule(delayMs: number): void {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void flush();
    }, delayMs);
    timer.unref();
  }

  function drop(count: number, reason: string): void {
    dropped.add([reason], count);
    log.error({ count, reason }, "journal records are lost");
  }

  async function writeBatch(batch: readonly JournalRecord[]): Promise<boolean> {
    try {
      await store.putMany(
        COLLECTION,
        batch.map((record) => ({
          key: record.id,
          value: record,
          ttlMs: config.retention,
          indexes: toJournalIndexes(record),
        })),
      );
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      // What the store refuses as such it would refuse for ever, and hold up all that follows.
      if (error.kind !== "state_unavailable") {
        log.error({ error }, "the store refuses journal records");
        drop(batch.length, "refused");
        return true;
      }
      if (failures === 0)
        log.warn(
          { error, waiting: waiting.length + batch.length },
          "the journal cannot be written; keeping records and trying again",
        );
      return false;
    }
    written.add([], batch.length);
    return true;
  }

  async function writeAll(): Promise<boolean> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH);
      if (!(await writeBatch(batch))) {
        failures += 1;
        // Back to the front, and the oldest go when too many came meanwhile.
        waiting = [...batch, ...waiting];
        trimWaiting();
        return false;
      }
      if (failures > 0) log.info({}, "the journal is written again");
      failures = 0;
      // A file store answers at once, and batch after batch would otherwise hold up the event loop.
      if (waiting.length > 0) await setImmediate();
    }
    return true;
  }

  function trimWaiting(): void {
    const surplus = waiting.length - MAX_WAITING;
    if (surplus <= 0) return;
    waiting.splice(0, surplus);
    drop(surplus, "overflow");
  }

  async function flush(): Promise<boolean> {
    // One writer at a time keeps the order; who comes meanwhile waits for it and looks again.
    while (writing !== undefined) {
      if (!(await writing)) return false;
    }
    if (waiting.length === 0) return true;
    clearTimeout(timer);
    timer = undefined;
    writing = writeAll().finally(() => {
      writing = undefined;
      waitingGauge.set([], waiting.length);
      if (waiting.length > 0) schedule(Math.min(LONGEST_RETRY_MS, FLUSH_AFTER_MS * 2 ** failures));
    });
    return writing;
  }

  async function trim(): Promise<void> {
    try {
      for (let call = 0; call < TRIM_CALLS; call += 1) {
        if ((await store.trim(COLLECTION, config.maxRecords)) === 0) return;
      }
    } catch (error) {
      log.warn({ error }, "the journal could not be trimmed");
    }
  }
  const trimming = setInterval(() => void trim(), TRIM_EVERY_MS);
  trimming.unref();

  return {
    record(context, outcome, policyHash) {
      if (closed) return;
      waiting.push(toJournalRecord(nextId(), context, outcome, policyHash));
      if (waiting.length > MAX_WAITING) {
        // A tenth at a time, so that a store that stays away costs a copy of the buffer now and then, not with every record.
        const surplus = MAX_WAITING / 10;
        waiting.splice(0, surplus);
        drop(surplus, "overflow");
      }
      if (timer === undefined && writing === undefined) schedule(FLUSH_AFTER_MS);
      if (waiting.length === BATCH && failures === 0) void setImmediate().then(flush);
    },

    checkRoom() {
      if (config.onFull === "refuse" && (closed || waiting.length >= MAX_WAITING - BATCH)) {
        throw new GatewayError(
          "state_unavailable",
          "The journal cannot record this request at the moment, and it must.",
        );
      }
    },

    async query({ limit, after, ...conditions }) {
      // What this process recorded a moment ago is found; a store that is away answers the query itself.
      await flush();
      const { chain, principal, target, outcome } = conditions;
      const searched = Object.entries({ chain, principal, target, outcome }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, toIndexedName(value)] as const],
      );
      const [first, ...others] = searched;
      const records: JournalRecord[] = [];
      let from = after;
      for (let call = 0; call < QUERY_CALLS; call += 1) {
        const options = {
          limit: others.length === 0 ? limit - records.length : Math.min(1_000, limit * 4),
          descending: true,
          ...(from !== undefined && { after: from }),
        };
        const page: Page<JournalRecord> =
          first === undefined
            ? await store.list(COLLECTION, options)
            : await store.find(COLLECTION, first[0], first[1], options);
        for (const { key, value } of page.records) {
          const indexes = others.length === 0 ? {} : toJournalIndexes(value);
          if (!others.every(([name, wanted]) => indexes[name] === wanted)) continue;
          records.push(value);
          if (records.length === limit)
            return { records, next: page.next === undefined && key === page.records.at(-1)?.key ? undefined : key };
        }
        from = page.next;
        if (from === undefined) break;
      }
      return { records, next: from };
    },

    flush,

    async close() {
      if (closed) return;
      await flush();
      closed = true;
      clearTimeout(timer);
      clearInterval(trimming);
      if (waiting.length > 0) drop(waiting.length, "closed");
      waiting = [];
    },
  };
}
