import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../core/errors.ts";
import type { JournalRecord } from "./journal-record.ts";
import { toRecords } from "./journal-segment.ts";
import type { JournalStore } from "./journal-store.ts";
import { mayHold, meets, type SearchConditions, toWantedTerms } from "./journal-terms.ts";

/** What one search reads at most, some 100 ms of work; its page is then short. Summaries of two million records. */
const MAX_PAGES = 32;
const MAX_SEGMENTS = 256;
const SUMMARY_PAGE = 1_000;
/** Some 5 ms of work. */
const SEGMENT_PAGE = 16;

export interface JournalPage {
  /**
   * Newest first. Pages of one process's records follow each other so too; where several processes share a store, a page may
   * hold records of one that are up to a segment newer or older than the edge of the page before.
   */
  readonly records: readonly JournalRecord[];
  /** Present when more may follow; a page may then be short. */
  readonly next: string | undefined;
}

export interface Search extends SearchConditions {
  readonly limit: number;
  /** `next` of the page before: where it ended, which is inside a segment. */
  readonly after?: string;
  /** Records with lower ids are not asked for, or have outlived the retention; their segment has not. */
  readonly oldestId: string;
  /** Segments with lower keys, which are the ids of their first records, hold none that is asked for. */
  readonly oldestKey: string;
  /** Records from this id on are not asked for. */
  readonly endId?: string;
}

function parsePosition(text: string): { readonly key: string; readonly left: number } {
  const [, key, left] = /^([0-9a-z]{1,64})\.([0-9]{1,3})$/.exec(text) ?? [];
  if (key === undefined || left === undefined) {
    throw new GatewayError("invalid_params", "`after` must be the `next` of a page of the journal.");
  }
  return { key, left: Number(left) };
}

/** Segments from the newest that may hold what is searched, with an undefined end when there are more than one search looks through. */
async function* readSegments(store: JournalStore, search: Search, before: string | undefined) {
  const { limit, oldestKey } = search;
  const wanted = toWantedTerms(search);
  let after = before;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = { descending: true, ...(after !== undefined && { after }) };
    if (wanted.length === 0) {
      const { records, next } = await store.list({ limit: Math.min(SEGMENT_PAGE, limit), ...page });
      for (const { key, value } of records) if (key >= oldestKey) yield { key, records: toRecords(value) };
      after = next;
    } else {
      const { records, next } = await store.listSummaries({ limit: SUMMARY_PAGE, ...page });
      for (const { key, value } of records)
        if (key >= oldestKey && mayHold(value, wanted)) yield { key, records: await store.read(key) };
      after = next;
    }
    /* It is the key of the last one. */
    if (after === undefined || after < oldestKey) return;
    // A file store answers at once, and page after page would otherwise hold up the event loop.
    await setImmediate();
  }
  yield { key: after as string, records: undefined };
}

/**
 * Reads segments from the newest and picks the records that meet the conditions. Throws GatewayError("invalid_params") for an
 * `after` of no search.
 */
export async function searchJournal(store: JournalStore, search: Search): Promise<JournalPage> {
  const { limit, after, oldestId, endId } = search;
  const found: JournalRecord[] = [];
  /** Where to go on when the page is full, within one segment of which `left` records, the oldest, are still to be seen. */
  function take(key: string, records: readonly JournalRecord[], left: number): string | undefined {
    for (let at = Math.min(left, records.length) - 1; at >= 0; at -= 1) {
      const record = records[at] as JournalRecord;
      if (record.id < oldestId || (endId !== undefined && record.id >= endId) || !meets(record, search)) continue;
      found.push(record);
      if (found.length === limit) return `${key}.${at}`;
    }
    return undefined;
  }
  // Segments of several processes overlap in time.
  const toPage = (next: string | undefined): JournalPage => ({
    records: found.sort((a, b) => (a.id < b.id ? 1 : -1)),
    next,
  });

  const position = after === undefined ? undefined : parsePosition(after);
  if (position !== undefined && position.left > 0) {
    const next = take(position.key, await store.read(position.key), position.left);
    if (next !== undefined) return toPage(next);
  }
  let read = 0;
  for await (const { key, records } of readSegments(store, search, position?.key ?? endId)) {
    if (records === undefined) return toPage(`${key}.0`);
    const next = take(key, records, records.length);
    if (next !== undefined) return toPage(next);
    read += 1;
    if (read === MAX_SEGMENTS) return toPage(`${key}.0`);
    if (read % SEGMENT_PAGE === 0) await setImmediate();
  }
  return toPage(undefined);
}
