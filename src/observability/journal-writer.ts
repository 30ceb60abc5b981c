import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Ended } from "./journal-record.ts";
import { addRecord, createSegment, SEGMENT_RECORDS, type Segment, unstored } from "./journal-segment.ts";

/** A crash of the process loses at most what was recorded in this time, and in the writing that follows. */
const FLUSH_AFTER_MS = 100;
/** Some 1 ms of a SQLite file's time; the event loop gets a turn between batches. */
const BATCH_SEGMENTS = 8;
const BATCH = BATCH_SEGMENTS * SEGMENT_RECORDS;
/** About 3 MB of waiting records, and 40 where each has a pick in a pool of a hundred endpoints. */
const MAX_WAITING = 10_000;
/** A tenth goes at a time, so that a store that stays away costs a log line now and then, not with every record. */
const OVERFLOW = MAX_WAITING / 10;
const LONGEST_RETRY_MS = 2_000;

export interface JournalWriterOptions {
  /** Stores segments; those of a call that failed come again. Rejects with GatewayError("state_unavailable") when it may work later. */
  write(segments: readonly Segment[]): Promise<void>;
  /** For how long a segment that does not fill takes records. */
  readonly segmentAgeMs: number;
  readonly log: Log;
  readonly meter: Meter;
}

/** A bounded buffer in front of the store. */
export interface JournalWriter {
  /** Never waits and never throws. */
  add(ended: Ended, nowMs: number): void;
  /** Whether a batch more fits without losing anything. */
  hasRoom(): boolean;
  /** Writes what waits; gives up on the first failure. Whether nothing waits any more. */
  flush(): Promise<boolean>;
  /** Writes what waits, once more, and drops the rest. */
  close(): Promise<void>;
}

// oxlint-disable-next-line max-lines-per-function -- one closure over one queue
export function createJournalWriter({ write, segmentAgeMs, log, meter }: JournalWriterOptions): JournalWriter {
  const dropped = meter.counter("journal_dropped_total", "Journal records lost because the store could not take them", [
    "reason",
  ]);
  const written = meter.counter("journal_records_total", "Journal records written", []);
  const waitingGauge = meter.gauge("journal_waiting", "Journal records not yet written", []);
  /** Oldest first; the last one takes records until it is full or old, and stays here when it is stored. */
  let segments: Segment[] = [];
  /** Records that are not stored. */
  let waiting = 0;
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
    waiting -= count;
    dropped.add([reason], count);
    log.error({ count, reason }, "journal records are lost");
  }

  function dropOldest(): void {
    let count = 0;
    while (count < OVERFLOW) count += unstored(segments.shift() as Segment);
    drop(count, "overflow");
  }

  /** Takes note of what is stored now: records may have been added, and segments dropped, while the store was at work. */
  function settle(batch: readonly Segment[], counts: readonly number[]): void {
    let gained = 0;
    for (const [at, segment] of batch.entries()) {
      if (!segments.includes(segment)) continue;
      const count = counts[at] as number;
      gained += count - segment.stored;
      segment.stored = count;
    }
    waiting -= gained;
    written.add([], gained);
    while (segments.length > 1 && unstored(segments[0] as Segment) === 0) segments.shift();
  }

  /** Whether the batch is dealt with: stored, or lost for good. */
  async function writeBatch(batch: readonly Segment[]): Promise<boolean> {
    const counts = batch.map(({ owns }) => owns.length);
    try {
      await write(batch);
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      if (error.kind === "state_unavailable") {
        if (failures === 0) log.warn({ error }, "the journal cannot be written; keeping records and trying again");
        return false;
      }
      // What the store refuses as such it would refuse for ever, and hold up all that follows.
      log.error({ error }, "the store refuses journal records");
      const refused = batch.filter((segment) => segments.includes(segment));
      segments = segments.filter((segment) => !refused.includes(segment));
      drop(
        refused.reduce((sum, segment) => sum + unstored(segment), 0),
        "refused",
      );
      return true;
    }
    settle(batch, counts);
    return true;
  }

  async function writeAll(wholeOnly: boolean): Promise<boolean> {
    const wanted = () => (wholeOnly ? segments.length > 1 : waiting > 0);
    while (wanted()) {
      const last = segments.length - (wholeOnly ? 1 : 0);
      if (!(await writeBatch(segments.slice(0, Math.min(last, BATCH_SEGMENTS))))) {
        failures += 1;
        return false;
      }
      if (failures > 0) log.info({}, "the journal is written again");
      failures = 0;
      // A file store answers at once, and batch after batch would otherwise hold up the event loop.
      if (wanted()) await setImmediate();
    }
    return true;
  }

  function start(wholeOnly: boolean): Promise<boolean> {
    clearTimeout(timer);
    timer = undefined;
    writing = writeAll(wholeOnly).finally(() => {
      writing = undefined;
      waitingGauge.set([], waiting);
      if (waiting > 0) schedule(Math.min(LONGEST_RETRY_MS, FLUSH_AFTER_MS * 2 ** failures));
    });
    return writing;
  }

  async function flush(): Promise<boolean> {
    // One writer at a time keeps the order; who comes meanwhile waits for it and looks again.
    while (writing !== undefined) {
      if (!(await writing)) return false;
    }
    return waiting === 0 || start(false);
  }

  /** Under load whole segments are written as soon as they make a batch: the open one would be written twice. */
  function startWhole(): void {
    if (writing === undefined && segments.length > 1 && !closed) void start(true);
  }

  return {
    add(ended, nowMs) {
      if (closed) return;
      let open = segments.at(-1);
      if (open === undefined || open.owns.length === SEGMENT_RECORDS || nowMs - open.begunAtMs >= segmentAgeMs) {
        if (open !== undefined && unstored(open) === 0) segments.pop();
        open = createSegment(ended.id, nowMs);
        segments.push(open);
      }
      addRecord(open, ended);
      waiting += 1;
      if (waiting > MAX_WAITING) dropOldest();
      if (timer === undefined && writing === undefined) schedule(FLUSH_AFTER_MS);
      if (waiting === BATCH && failures === 0) void setImmediate().then(startWhole);
    },

    hasRoom: () => !closed && waiting < MAX_WAITING - BATCH,

    flush,

    async close() {
      if (closed) return;
      await flush();
      closed = true;
      clearTimeout(timer);
      if (waiting > 0) drop(waiting, "closed");
      segments = [];
    },
  };
}
