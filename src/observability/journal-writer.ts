import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { JournalRecord } from "./journal-record.ts";

/** A crash of the process loses at most what was recorded in this time, and in the writing that follows. */
const FLUSH_AFTER_MS = 100;
/** Some 5 ms of a SQLite file's time; the event loop gets a turn between batches. */
const BATCH = 250;
/** About 10 MB of waiting records. */
const MAX_WAITING = 10_000;
/** A tenth goes at a time, so that a store that stays away costs a copy of the buffer now and then, not with every record. */
const OVERFLOW = MAX_WAITING / 10;
const LONGEST_RETRY_MS = 2_000;

export interface JournalWriterOptions {
  /** Writes records all or none; rejects with GatewayError("state_unavailable") when it may work later. */
  write(batch: readonly JournalRecord[]): Promise<void>;
  readonly log: Log;
  readonly meter: Meter;
}

/** A bounded buffer in front of the store. */
export interface JournalWriter {
  /** Never waits and never throws. */
  add(record: JournalRecord): void;
  /** Whether a batch more fits without losing anything. */
  hasRoom(): boolean;
  /** Writes what waits; gives up on the first failure. Whether nothing waits any more. */
  flush(): Promise<boolean>;
  /** Writes what waits, once more, and drops the rest. */
  close(): Promise<void>;
}

export function createJournalWriter({ write, log, meter }: JournalWriterOptions): JournalWriter {
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

  /** Whether the batch is dealt with: written, or lost for good. */
  async function writeBatch(batch: readonly JournalRecord[]): Promise<boolean> {
    try {
      await write(batch);
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      // What the store refuses as such it would refuse for ever, and hold up all that follows.
      if (error.kind !== "state_unavailable") {
        log.error({ error }, "the store refuses journal records");
        drop(batch.length, "refused");
        return true;
      }
      if (failures === 0) log.warn({ error }, "the journal cannot be written; keeping records and trying again");
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
        waiting = [...batch, ...waiting];
        const surplus = waiting.length - MAX_WAITING;
        if (surplus > 0) {
          waiting.splice(0, surplus);
          drop(surplus, "overflow");
        }
        return false;
      }
      if (failures > 0) log.info({}, "the journal is written again");
      failures = 0;
      // A file store answers at once, and batch after batch would otherwise hold up the event loop.
      if (waiting.length > 0) await setImmediate();
    }
    return true;
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

  return {
    add(record) {
      if (closed) return;
      waiting.push(record);
      if (waiting.length > MAX_WAITING) {
        waiting.splice(0, OVERFLOW);
        drop(OVERFLOW, "overflow");
      }
      if (timer === undefined && writing === undefined) schedule(FLUSH_AFTER_MS);
      if (waiting.length === BATCH && failures === 0) void setImmediate().then(flush);
    },

    hasRoom: () => !closed && waiting.length < MAX_WAITING - BATCH,

    flush,

    async close() {
      if (closed) return;
      await flush();
      closed = true;
      clearTimeout(timer);
      if (waiting.length > 0) drop(waiting.length, "closed");
      waiting = [];
    },
  };
}
