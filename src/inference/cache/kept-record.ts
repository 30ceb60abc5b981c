import { isFields } from "../dialects/fields.ts";
import { dialects } from "../dialects/registry.ts";
import type { Partition, StoredAnswer, StoredEntry } from "./answer-cache.ts";
import type { FlushMark } from "./flush-log.ts";

/** An answer as it lies in the state: with its question and, where vectors are in memory, that question's vector. */
export interface KeptRecord {
  readonly form: typeof FORM;
  readonly key: string;
  readonly partition: Partition;
  /** `bytes` in base64. */
  readonly answer: Omit<StoredAnswer, "bytes"> & { readonly bytes: string };
  readonly question: StoredEntry["question"] | null;
  /** Little-endian 32-bit numbers in base64. */
  readonly vector: string | null;
  /** Names what vectors mean. */
  readonly space: string;
  /** The flushes that were known when it was asked for; null where nobody else could flush it. */
  readonly mark: FlushMark | null;
}

/** An answer that was kept. */
export interface LoadedEntry {
  readonly entry: StoredEntry;
  readonly vector: Float32Array | undefined;
  readonly mark: FlushMark | null;
}

/* Raised whenever a record, or the key it lies under, means something else: another version of the gateway passes it over. */
const FORM = 2;

export function toRecord(
  { key, partition, answer, question }: StoredEntry,
  vector: Float32Array | undefined,
  space: string,
  mark: FlushMark | null,
): KeptRecord {
  return {
    form: FORM,
    key,
    partition,
    answer: { ...answer, bytes: answer.bytes.toString("base64") },
    question: question ?? null,
    vector:
      vector === undefined ? null : Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64"),
    space,
    mark,
  };
}

/** Undefined for what another version wrote, and for what lies under another key than its own. The question of another space is left out. */
export function fromRecord(key: string, value: unknown, ourSpace: string): LoadedEntry | undefined {
  if (!isRecord(value) || value.key !== key) return undefined;
  const { partition, answer, question, vector, space, mark } = value;
  const isKnown = question !== null && space === ourSpace;
  const bytes = isKnown && vector !== null ? Buffer.from(vector, "base64") : undefined;
  return {
    entry: {
      key,
      partition,
      answer: { ...answer, bytes: Buffer.from(answer.bytes, "base64") },
      question: isKnown ? question : undefined,
    },
    vector: bytes && new Float32Array(new Uint8Array(bytes).buffer),
    mark,
  };
}

/** The partition of a record that another version may have written, where it has one. */
export function partitionIn(value: unknown): Partition | undefined {
  const partition = isFields(value) ? value["partition"] : undefined;
  return isPartition(partition) ? partition : undefined;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isVector = (value: unknown): boolean =>
  value === null || (isText(value) && Buffer.byteLength(value, "base64") % Float32Array.BYTES_PER_ELEMENT === 0);

/* Whoever else writes into the store, a record of another shape must not fail the call that finds it. */
function isRecord(value: unknown): value is KeptRecord {
  if (!isFields(value) || value["form"] !== FORM) return false;
  const { answer, question, mark } = value;
  return (
    isPartition(value["partition"]) &&
    isAnswer(answer) &&
    (question === null || (isFields(question) && isText(question["text"]) && isText(question["fingerprint"]))) &&
    (mark === null || (isFields(mark) && isText(mark["life"]) && typeof mark["seq"] === "number")) &&
    isVector(value["vector"]) &&
    isText(value["space"])
  );
}

const texts = ["tenant", "permissions", "model", "modelIdentity", "policyHash"] as const;

const isPartition = (value: unknown): value is Partition =>
  isFields(value) &&
  texts.every((name) => isText(value[name])) &&
  (value["principal"] === undefined || isText(value["principal"]));

function isAnswer(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { dialect, contentType, bytes, headers, candidate, usage, costNanos, storedAtMs, expiresAtMs } = value;
  return (
    isText(dialect) &&
    Object.hasOwn(dialects, dialect) &&
    [contentType, bytes, candidate].every(isText) &&
    isFields(headers) &&
    Object.values(headers).every(isText) &&
    (usage === undefined || isFields(usage)) &&
    (costNanos === undefined || Number.isFinite(costNanos)) &&
    Number.isFinite(storedAtMs) &&
    Number.isFinite(expiresAtMs)
  );
}
