import { GatewayError } from "../core/errors.ts";
import type { Entry, PageOptions } from "./store.ts";

const collectionName = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
const printableAscii = /^[\x20-\x7e]{1,512}$/;
const hashTag = /\{([^{}]+)\}/;

export const MAX_BATCH = 1_000;
const MAX_INDEX_VALUE_LENGTH = 4_096;

const misuse = (message: string): GatewayError =>
  new GatewayError("internal", `The state store was misused: ${message}`);

export function checkCollection(collection: string): void {
  if (!collectionName.test(collection)) throw misuse("a collection name must be 1 to 64 letters, digits and . _ -");
}

/** Whether a record could exist under this key. */
export const isKey = (key: string): boolean => printableAscii.test(key);

export function checkKey(key: string): void {
  if (!isKey(key)) throw misuse("a key must be 1 to 512 characters of printable ASCII");
}

export function checkPage(page: PageOptions): void {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > MAX_BATCH)
    throw misuse("a page holds 1 to 1,000 records");
}

export function checkBatch<T>(entries: readonly Entry<T>[]): void {
  if (entries.length > MAX_BATCH) throw misuse("a batch holds at most 1,000 records");
}

export function toJsonText(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw misuse("a value must be JSON");
  return text;
}

export const toEntryText = <T>(entry: Entry<T>): string => ("json" in entry ? entry.json : toJsonText(entry.value));

/** Lone surrogates become U+FFFD here, as they would on the way to SQLite and Redis. */
export const toIndexValue = (value: string): string => value.toWellFormed();

/** Index name and value pairs, sorted by name so that equal indexes have equal text. */
export function toIndexPairs(indexes: Readonly<Record<string, string>> | undefined): [name: string, value: string][] {
  if (indexes === undefined) return [];
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(indexes)) {
    if (!collectionName.test(name)) throw misuse("an index name must be 1 to 64 letters, digits and . _ -");
    if (value.length > MAX_INDEX_VALUE_LENGTH) throw misuse("an index value has at most 4,096 characters");
    pairs.push([name, toIndexValue(value)]);
  }
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Undefined never expires. Fractions are rounded up so that a record lives at least as long as asked. */
export const toExpiry = (nowMs: number, ttlMs: number | undefined): number | undefined =>
  ttlMs === undefined ? undefined : Math.ceil(nowMs + Math.min(ttlMs, Number.MAX_SAFE_INTEGER - nowMs));

/** The rule that makes a script run on a Redis Cluster, enforced by every store so that it is met in development. */
export function checkScriptKeys(keys: readonly string[]): void {
  if (keys.length === 0) throw misuse("a script needs at least one key");
  const tag = hashTag.exec(keys[0] ?? "")?.[1];
  for (const key of keys) {
    checkKey(key);
    if (keys.length > 1 && (tag === undefined || hashTag.exec(key)?.[1] !== tag))
      throw misuse("the keys of one script must share a {tag}");
  }
}

export const closedError = (): GatewayError => new GatewayError("state_unavailable", "The state store is closed.");
