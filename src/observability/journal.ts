import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import type { Store } from "../state/store.ts";
import type { JournalConfig } from "./config.ts";
import { type JournalPage, searchJournal } from "./journal-search.ts";
import { createJournalStore } from "./journal-store.ts";
import type { ChargedIn } from "./journal-terms.ts";
import { createJournalWriter } from "./journal-writer.ts";

/* From the first record of a segment to its last. */
const LONGEST_SEGMENT_MS = 3_600_000;

export interface JournalQuery {
  /** `x-request-id` of an answer. */
  readonly request?: string;
  readonly chain?: string;
  readonly principal?: string;
  /** The target's name. */
  readonly target?: string;
  /** `ok` is not searchable. */
  readonly outcome?: Exclude<Outcome["status"], "ok">;
  /** What was charged in this counter. */
  readonly charged?: ChargedIn;
  /** What was recorded from then on, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** What was recorded before then. */
  readonly beforeMs?: number;
  /** 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
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

/** The beginning of the ids of a millisecond. */
const toIdTime = (ms: number): string => Math.max(0, ms).toString(36).padStart(9, "0");

/** Ids that sort by time, across processes to the millisecond and within one exactly, also when the clock is set back. */
function createIds(): (nowMs: number) => string {
  const process = randomHex(4);
  let lastMs = 0;
  let count = 0;
  let prefix = "";
  return (nowMs) => {
    if (nowMs > lastMs) {
      lastMs = nowMs;
      count = 0;
      prefix = toIdTime(nowMs);
    }
    count += 1;
    // Five digits: sixty million records in one millisecond.
    return `${prefix}${count.toString(36).padStart(5, "0")}${process}`;
  };
}

/** Opens the journal over a store. Nothing is written on the caller's path. */
// oxlint-disable-next-line max-lines-per-function -- one closure over one queue
export function createJournal(config: JournalConfig, { store, clock, log, meter }: JournalDeps): Journal {
  const nextId = createIds();
  const segments = createJournalStore(config, { store, log });
  const writer = createJournalWriter({
    write: segments.write,
    // Expiry is a segment's, counted from its last record: its first one must not outstay it by much.
    segmentAgeMs: Math.min(LONGEST_SEGMENT_MS, config.retention / 24),
    log,
    meter,
  });

  return {
    record(context, outcome, policyHash) {
      const nowMs = clock.now();
      writer.add({ id: nextId(nowMs), context, outcome, policyHash }, nowMs);
    },

    checkRoom() {
      if (config.onFull === "refuse" && !writer.hasRoom()) {
        throw new GatewayError(
          "state_unavailable",
          "The journal cannot record this request at the moment, and it must.",
        );
      }
    },

    async query({ sinceMs = 0, beforeMs, ...query }) {
      // What this process recorded a moment ago is found; a store that is away answers the query itself.
      await writer.flush();
      const oldestMs = Math.max(sinceMs, clock.now() - config.retention + 1);
      return searchJournal(segments, {
        ...query,
        oldestId: toIdTime(oldestMs),
        oldestKey: toIdTime(oldestMs - LONGEST_SEGMENT_MS),
        ...(beforeMs !== undefined && { endId: toIdTime(beforeMs) }),
      });
    },

    flush: () => writer.flush(),

    close: () => writer.close(),
  };
}
