import type { Log } from "../core/log.ts";
import type { Page, PageOptions, Store } from "../state/store.ts";
import type { JournalConfig } from "./config.ts";
import type { JournalRecord } from "./journal-record.ts";
import {
  SEGMENT_RECORDS,
  type Segment,
  type StoredSegment,
  toRecords,
  toSegmentJson,
  toSummaryJson,
} from "./journal-segment.ts";

const SEGMENTS = "journal.segments";
/** What each segment may hold, under its key: some 500 bytes to look at instead of 10,000. */
const SUMMARIES = "journal.summaries";
const TRIM_EVERY_SEGMENTS = 16;

/** Where the segments of all processes are kept. Rejects with GatewayError("state_unavailable"). */
export interface JournalStore {
  /** Stores segments, again or for the first time. */
  write(segments: readonly Segment[]): Promise<void>;
  /** Records of one segment, oldest first; none when it has gone. */
  read(key: string): Promise<readonly JournalRecord[]>;
  list(page: PageOptions): Promise<Page<StoredSegment>>;
  listSummaries(page: PageOptions): Promise<Page<string>>;
}

export function createJournalStore(
  { maxRecords, retention }: Pick<JournalConfig, "maxRecords" | "retention">,
  { store, log }: { readonly store: Store; readonly log: Log },
): JournalStore {
  const keep = Math.ceil(maxRecords / SEGMENT_RECORDS);
  const trimEvery = Math.max(1, Math.min(TRIM_EVERY_SEGMENTS, Math.floor(keep / TRIM_EVERY_SEGMENTS)));
  let begun = 0;

  /** As many of the oldest as were begun, and again as many, so that a lowered limit is reached too. */
  async function trim(): Promise<void> {
    try {
      await store.trim(SEGMENTS, keep, 2 * begun);
      await store.trim(SUMMARIES, keep, 2 * begun);
      begun = 0;
    } catch (error) {
      log.warn({ error }, "the journal could not be trimmed");
    }
  }

  return {
    async write(segments) {
      // All text is made before the first wait: records may be added to the last segment meanwhile.
      const toEntry = (json: (segment: Segment) => string) => (segment: Segment) => ({
        key: segment.key,
        json: json(segment),
        ttlMs: retention,
      });
      const entries = segments.map(toEntry(toSegmentJson));
      // The summary first: one that says too much is harmless, and a segment without one would not be found.
      await store.putMany(SUMMARIES, segments.map(toEntry(toSummaryJson)));
      await store.putMany(SEGMENTS, entries);
      for (const { stored } of segments) if (stored === 0) begun += 1;
      if (begun >= trimEvery) await trim();
    },
    async read(key) {
      const found = await store.get<StoredSegment>(SEGMENTS, key);
      return found === undefined ? [] : toRecords(found.value);
    },
    list: (page) => store.list<StoredSegment>(SEGMENTS, page),
    listSummaries: (page) => store.list<string>(SUMMARIES, page),
  };
}
