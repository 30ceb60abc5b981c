import type { Statements } from "./sqlite-statements.ts";
import { toExpiry, toIndexPairs } from "./check-arguments.ts";
import type { PutOptions } from "./store.ts";

/** Expired rows taken away at a time: about 2 ms of work. */
const SWEEP_LIMIT = 200;
const NO_INDEXES = "[]";

/** What a write needs to know of the row before it. */
interface Head {
  readonly id: number;
  readonly version: number;
  readonly expires_at: number | null;
  /** Name and value pairs as JSON. */
  readonly indexes: string;
}

/** Changes to records, their indexes and their counts; each call belongs inside a transaction that ends with `writeCounts`. */
export interface SqliteRecords {
  /** The new version, or undefined when `ifVersion` does not hold. */
  write(collection: string, key: string, text: string, options: PutOptions, nowMs: number): number | undefined;
  /** Whether a live record of that version, if one is given, went away. */
  remove(collection: string, key: string, ifVersion: number | undefined, nowMs: number): boolean;
  /** Removes up to `limit` records with the lowest keys beyond `keep`; how many. */
  trim(collection: string, keep: number, limit: number): number;
  /** Takes away a bounded number of expired rows; whether more may be left. */
  removeExpired(nowMs: number): boolean;
  writeCounts(): void;
  /** After a transaction that was rolled back. */
  forgetCounts(): void;
}

const isLive = (row: Head | undefined, nowMs: number): row is Head =>
  row !== undefined && (row.expires_at === null || row.expires_at > nowMs);

export function createSqliteRecords(sql: Statements): SqliteRecords {
  /** How many records the transaction at hand adds to each collection. */
  const counts = new Map<string, number>();

  const count = (collection: string, change: number) =>
    void counts.set(collection, (counts.get(collection) ?? 0) + change);

  const headOf = (collection: string, key: string) => sql.head.get(collection, key) as Head | undefined;

  function unindex(collection: string, key: string, indexes: string): void {
    if (indexes === NO_INDEXES) return;
    for (const [name, value] of JSON.parse(indexes) as [string, string][]) {
      sql.unindex.run(collection, name, value, key);
    }
  }

  function index(
    collection: string,
    key: string,
    record: number | bigint,
    pairs: readonly (readonly [string, string])[],
  ): void {
    for (const [name, value] of pairs) sql.index.run(collection, name, value, key, record);
  }

  function removeRow(collection: string, key: string, row: Head): void {
    unindex(collection, key, row.indexes);
    sql.remove.run(row.id);
    count(collection, -1);
  }

  return {
    write(collection, key, text, { ifVersion, ttlMs, indexes }, nowMs) {
      const pairs = toIndexPairs(indexes);
      const indexText = pairs.length === 0 ? NO_INDEXES : JSON.stringify(pairs);
      const expiry = toExpiry(nowMs, ttlMs) ?? null;
      if (ifVersion === undefined || ifVersion === 0) {
        // Most records are new: the insert itself finds out whether there was one.
        const inserted = sql.insert.run(collection, key, text, expiry, indexText);
        if (inserted.changes === 1) {
          count(collection, 1);
          index(collection, key, inserted.lastInsertRowid, pairs);
          return 1;
        }
      }
      const row = headOf(collection, key);
      const version = isLive(row, nowMs) ? row.version : 0;
      if (row === undefined || (ifVersion !== undefined && ifVersion !== version)) return undefined;
      sql.update.run(text, version + 1, expiry, indexText, row.id);
      if (row.indexes !== indexText) {
        unindex(collection, key, row.indexes);
        index(collection, key, row.id, pairs);
      }
      return version + 1;
    },

    remove(collection, key, ifVersion, nowMs) {
      const row = headOf(collection, key);
      if (!isLive(row, nowMs) || (ifVersion !== undefined && ifVersion !== row.version)) return false;
      removeRow(collection, key, row);
      return true;
    },

    trim(collection, keep, limit) {
      const records = Number(sql.count.get(collection)?.["records"] ?? 0);
      const surplus = Math.min(limit, Math.max(0, records - keep));
      if (surplus === 0) return 0;
      const rows = sql.lowest.all(collection, surplus) as unknown as (Head & { key: string })[];
      for (const row of rows) removeRow(collection, row.key, row);
      return rows.length;
    },

    removeExpired(nowMs) {
      const rows = sql.expired.all(nowMs, SWEEP_LIMIT) as unknown as (Head & { collection: string; key: string })[];
      for (const row of rows) removeRow(row.collection, row.key, row);
      const hashes = Number(sql.sweepHashes.run(nowMs, SWEEP_LIMIT).changes);
      return rows.length === SWEEP_LIMIT || hashes === SWEEP_LIMIT;
    },

    writeCounts() {
      for (const [collection, change] of counts) sql.addToCount.run(collection, change);
      counts.clear();
    },

    forgetCounts: () => counts.clear(),
  };
}
