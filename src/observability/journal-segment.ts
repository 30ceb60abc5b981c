import {
  type CommonPart,
  type Ended,
  isCommonPart,
  type JournalRecord,
  type OwnPart,
  toCommonPart,
  toJournalRecord,
  toOwnPart,
} from "./journal-record.ts";
import { addTerms, toChainTerm } from "./journal-terms.ts";

/** Records stored together. A row for each record, and one in each of its indexes, cost ten times as much. */
export const SEGMENT_RECORDS = 64;

/** Neighbouring records of one process under one key; it only grows, also where it is stored. */
export interface Segment {
  /** The id of the first record. */
  readonly key: string;
  readonly begunAtMs: number;
  readonly commons: CommonPart[];
  /** JSON, oldest first. One flat string each: a tree of objects that waits is copied again and again by the collector. */
  readonly owns: string[];
  readonly terms: Set<string>;
  /** How many of the records are stored. */
  stored: number;
}

/** A segment as it is stored. Files of the first schema held whole records, which stand as they were. */
export interface StoredSegment {
  readonly commons: readonly CommonPart[];
  readonly records: readonly (OwnPart | JournalRecord)[];
}

export const createSegment = (key: string, begunAtMs: number): Segment => ({
  key,
  begunAtMs,
  commons: [],
  owns: [],
  terms: new Set(),
  stored: 0,
});

export const unstored = ({ owns, stored }: Segment): number => owns.length - stored;

export function addRecord({ commons, owns, terms }: Segment, ended: Ended): void {
  let at = 0;
  while (at < commons.length && !isCommonPart(commons[at] as CommonPart, ended)) at += 1;
  if (at === commons.length) {
    const common = toCommonPart(ended);
    commons.push(common);
    addTerms(terms, common);
  }
  const own = toOwnPart(at, ended);
  terms.add(toChainTerm(own[5]));
  owns.push(JSON.stringify(own));
}

export const toSegmentJson = ({ commons, owns }: Segment): string =>
  `{"commons":${JSON.stringify(commons)},"records":[${owns.join()}]}`;

/** Terms are letters and digits: nothing to escape. */
export const toSummaryJson = ({ terms }: Segment): string => `"${[...terms].join("")}"`;

const isOwnPart = (record: OwnPart | JournalRecord): record is OwnPart => Array.isArray(record);

/** Oldest first. */
export const toRecords = ({ commons, records }: StoredSegment): readonly JournalRecord[] =>
  records.map((record) => (isOwnPart(record) ? toJournalRecord(commons[record[0]] as CommonPart, record) : record));
