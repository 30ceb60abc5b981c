import { bounded } from "./bounded.ts";
import type { CommonPart, JournalRecord } from "./journal-record.ts";

/** What records are searched by; absent conditions are met by all. */
export interface SearchConditions {
  /** `x-request-id` of an answer. */
  readonly request?: string;
  readonly chain?: string;
  readonly principal?: string;
  /** The target's name. */
  readonly target?: string;
  readonly outcome?: JournalRecord["outcome"];
  /** Something was taken from it. */
  readonly charged?: ChargedIn;
}

/** A counter of a budget. */
export interface ChargedIn {
  readonly budget: string;
  /** As it was written. */
  readonly limit: string;
  /** Empty where all share it, and of a limit per chain. */
  readonly key: string;
}

/** Stands in a summary that does not say what its segment holds. */
const UNKNOWN_TERMS = "*";

/**
 * A name as a summary holds it: FNV-1a over its code units, in base 36 behind a letter. Names that share a hash, or whose hash
 * begins another, cost a search the reading of a segment in vain.
 */
function toTerm(kind: "C" | "P" | "T" | "O" | "B", name: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return kind + toBase36(hash >>> 0);
}

/* Two digits at a time: V8's own conversion divides floating-point numbers. */
const PAIRS = Array.from({ length: 1_296 }, (_, pair) => pair.toString(36).padStart(2, "0"));
function toBase36(value: number): string {
  let rest = value;
  let text = "";
  while (rest >= 1_296) {
    const pair = rest % 1_296;
    text = PAIRS[pair] + text;
    rest = (rest - pair) / 1_296;
  }
  return (rest < 36 ? PAIRS[rest]?.charAt(1) : PAIRS[rest]) + text;
}

/** Of a chain, and of a request: most requests have their chain's id, and one term says both. */
export const toIdTerm = (id: string): string => toTerm("C", id);

/** What records with this common part are found by. Successes have no term: they are in nearly every segment. */
export function addTerms(terms: string[], { principal, target, outcome, charged }: CommonPart): void {
  terms.push(toTerm("P", bounded(principal.id)));
  if (target.name !== "") terms.push(toTerm("T", target.name));
  if (outcome !== "ok") terms.push(toTerm("O", outcome));
  /* Neighbours are charged in the same counters. */
  for (const counter of charged ?? []) {
    const term = toCounterTerm(counter);
    if (!terms.includes(term)) terms.push(term);
  }
}

const toCounterTerm = ({ budget, limit, key }: ChargedIn): string =>
  toTerm("B", `${budget}\n${limit}\n${bounded(key)}`);

const isChargedIn = ({ charges }: JournalRecord, { budget, limit, key }: ChargedIn): boolean =>
  charges?.some(
    (each) => each.booked > 0 && each.key === bounded(key) && each.limit === limit && each.budget === budget,
  ) === true;

/** The terms that a summary must have for its segment to hold a record that meets the conditions. */
export function toWantedTerms({
  request,
  chain,
  principal,
  target,
  outcome,
  charged,
}: SearchConditions): readonly string[] {
  const terms: string[] = [];
  if (request !== undefined) terms.push(toIdTerm(request));
  if (chain !== undefined) terms.push(toIdTerm(bounded(chain)));
  if (principal !== undefined) terms.push(toTerm("P", bounded(principal)));
  if (target !== undefined && target !== "") terms.push(toTerm("T", bounded(target)));
  if (outcome !== undefined && outcome !== "ok") terms.push(toTerm("O", outcome));
  if (charged !== undefined) terms.push(toCounterTerm(charged));
  return terms;
}

/** Whether the segment of this summary can hold a record with these terms. */
export const mayHold = (summary: string, wanted: readonly string[]): boolean =>
  summary === UNKNOWN_TERMS || wanted.every((term) => summary.includes(term));

/** A record holds bounded names, so a condition is cut as they were. */
export const meets = (
  record: JournalRecord,
  { request, chain, principal, target, outcome, charged }: SearchConditions,
): boolean =>
  (request === undefined || record.requestId === request) &&
  (chain === undefined || record.chainId === bounded(chain)) &&
  (principal === undefined || bounded(record.principal.id) === bounded(principal)) &&
  (target === undefined || record.target.name === bounded(target)) &&
  (outcome === undefined || record.outcome === outcome) &&
  (charged === undefined || isChargedIn(record, charged));
