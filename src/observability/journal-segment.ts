import { bounded } from "./bounded.ts";
import {
  type CommonPart,
  type Ended,
  isCommonPart,
  type JournalRecord,
  type OwnPart,
  toCommonPart,
  toJournalRecord,
  toOwnJson,
} from "./journal-record.ts";
import { addTerms, toIdTerm } from "./journal-terms.ts";

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
  /** What its records are found by; one may occur twice. */
  readonly terms: string[];
  /** How many of the records are stored. */
  stored: number;
}

/** A record as files of the first schema held it, whole. */
type WholeRecord = Omit<JournalRecord, "requestId"> & { readonly exchangeId: string };

/** A segment as it is stored. */
export interface StoredSegment {
  readonly commons: readonly CommonPart[];
  readonly records: readonly (OwnPart | WholeRecord)[];
}

export const createSegment = (key: string, begunAtMs: number): Segment => ({
  key,
  begunAtMs,
  commons: [],
  owns: [],
  terms: [],
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
  const { id, chain } = ended.context.exchange;
  addTerm(terms, toIdTerm(bounded(chain.id)));
  if (id !== chain.id) addTerm(terms, toIdTerm(id));
  owns.push(toOwnJson(at, ended));
}

/* Neighbours are of one chain, or most are each of their own. */
function addTerm(terms: string[], term: string): void {
  if (terms.at(-1) !== term) terms.push(term);
}

export const toSegmentJson = ({ commons, owns }: Segment): string =>
  `{"commons":${JSON.stringify(commons)},"records":[${owns.join()}]}`;

/** Terms are letters and digits: nothing to escape. */
export const toSummaryJson = ({ terms }: Segment): string => `"${terms.join("")}"`;

const isOwnPart = (record: OwnPart | WholeRecord): record is OwnPart => Array.isArray(record);

const fromWhole = ({ exchangeId, ...rest }: WholeRecord): JournalRecord => ({ ...rest, requestId: exchangeId });

/** Oldest first. */
export const toRecords = ({ commons, records }: StoredSegment): readonly JournalRecord[] =>
  records.map((record) =>
    isOwnPart(record) ? toJournalRecord(commons[record[0]] as CommonPart, record) : fromWhole(record),
  );
