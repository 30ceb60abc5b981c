import { realpathSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Channels } from "./channels.ts";
import { createChannels } from "./channels.ts";
import {
  checkBatch,
  checkCollection,
  checkKey,
  checkPage,
  checkScriptKeys,
  closedError,
  MAX_BATCH,
  toExpiry,
  toIndexPairs,
  toIndexValue,
  toJsonText,
} from "./check-arguments.ts";
import type { SqliteStateConfig } from "./config.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { prepareStatements } from "./sqlite-statements.ts";
import type { Page, PageOptions, PutOptions, ScriptView, Store, StoredRecord } from "./store.ts";

/** Expired rows taken away at a time: about 2 ms of work. */
const SWEEP_LIMIT = 200;
const SWEEP_EVERY_MS = 1_000;

/** Stores of one process on one file hear each other; other processes do not. */
const channelsByFile = new Map<string, { readonly channels: Channels; users: number }>();

function joinChannels(file: string, log: Log): { channels: Channels; leave: () => void } {
  const name = realpathSync(file);
  const entry = channelsByFile.get(name) ?? { channels: createChannels(log), users: 0 };
  channelsByFile.set(name, entry);
  entry.users += 1;
  return {
    channels: entry.channels,
    leave() {
      entry.users -= 1;
      if (entry.users === 0) channelsByFile.delete(name);
    },
  };
}

const NO_INDEXES = "[]";

/** What a write needs to know of the row before it. */
interface Head {
  readonly id: number;
  readonly version: number;
  readonly expires_at: number | null;
  /** Name and value pairs as JSON. */
  readonly indexes: string;
}

interface Row {
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly expires_at: number | null;
}

function toRecord<T>({ key, value, version, expires_at: expiry }: Row): StoredRecord<T> {
  return { key, value: JSON.parse(value) as T, version, expiresAtMs: expiry ?? undefined };
}

/**
 * A store in one file. Calls block the event loop for the microseconds a statement takes; a write is one transaction and is in
 * the operating system's hands when its promise resolves.
 */
// oxlint-disable-next-line max-lines-per-function -- one closure over one database
export function createSqliteStore(
  config: SqliteStateConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Store {
  const database: DatabaseSync = openSqliteFile(config.file, config.synchronous);
  const sql = prepareStatements(database);
  const { channels, leave } = joinChannels(config.file, log);
  /** How many records the transaction at hand adds to each collection. */
  const counts = new Map<string, number>();
  let closed = false;
  let nextSweepAtMs = 0;

  /** Maps whatever SQLite throws (busy, full, damaged) to `state_unavailable`. */
  function guarded<R>(work: () => R): R {
    if (closed) throw closedError();
    try {
      return work();
    } catch (error) {
      if (error instanceof Error && (error as { code?: unknown }).code === "ERR_SQLITE_ERROR") {
        throw new GatewayError("state_unavailable", "The state store cannot answer at the moment.", { cause: error });
      }
      throw error;
    }
  }

  function removeExpired(nowMs: number): void {
    if (nowMs < nextSweepAtMs) return;
    const rows = sql.expired.all(nowMs, SWEEP_LIMIT) as unknown as (Head & { collection: string; key: string })[];
    for (const row of rows) removeRow(row.collection, row.key, row);
    const hashes = Number(sql.sweepHashes.run(nowMs, SWEEP_LIMIT).changes);
    // A full haul means that there is more: go on with the next write.
    nextSweepAtMs = rows.length === SWEEP_LIMIT || hashes === SWEEP_LIMIT ? nowMs : nowMs + SWEEP_EVERY_MS;
  }

  /** Runs `work` as one transaction. IMMEDIATE takes the write lock first: a read that turns into a write could not wait for it. */
  function transaction<R>(work: (nowMs: number) => R): R {
    return guarded(() => {
      const nowMs = clock.now();
      sql.begin.run();
      try {
        const result = work(nowMs);
        removeExpired(nowMs);
        for (const [collection, change] of counts) sql.addToCount.run(collection, change);
        sql.commit.run();
        return result;
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (database.isTransaction) sql.rollback.run();
        throw error;
      } finally {
        if (counts.size > 0) counts.clear();
      }
    });
  }

  const count = (collection: string, change: number) =>
    void counts.set(collection, (counts.get(collection) ?? 0) + change);

  const isLive = (row: Head | undefined, nowMs: number): row is Head =>
    row !== undefined && (row.expires_at === null || row.expires_at > nowMs);

  const headOf = (collection: string, key: string) => sql.head.get(collection, key) as Head | undefined;

  function unindex(collection: string, key: string, indexes: string): void {
    if (indexes === NO_INDEXES) return;
    for (const [name, value] of JSON.parse(indexes) as [string, string][])
      sql.unindex.run(collection, name, value, key);
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

  /** The new version, or undefined when `ifVersion` does not hold. */
  function write(
    collection: string,
    key: string,
    text: string,
    { ifVersion, ttlMs, indexes }: PutOptions,
    nowMs: number,
  ): number | undefined {
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
  }

  function toPage<T>(rows: readonly Row[], limit: number): Page<T> {
    const records = rows.slice(0, limit).map((row) => toRecord<T>(row));
    return { records, next: rows.length > limit ? records.at(-1)?.key : undefined };
  }

  return {
    durability: {
      survivesRestart: true,
      crashLoss:
        config.synchronous === "full"
          ? "nothing that was acknowledged, whether the process or the power dies"
          : "nothing when the process dies; a power loss or a crash of the operating system may lose the last acknowledged writes, never the file",
      sharedAcrossReplicas: false,
    },

    async get<T>(collection: string, key: string) {
      checkCollection(collection);
      const row = guarded(() => sql.get.get(collection, key, clock.now())) as Row | undefined;
      return row === undefined ? undefined : toRecord<T>(row);
    },

    async put(collection, key, value, options = {}) {
      checkCollection(collection);
      checkKey(key);
      const text = toJsonText(value);
      return transaction((nowMs) => write(collection, key, text, options, nowMs));
    },

    async putMany(collection, entries) {
      checkCollection(collection);
      checkBatch(entries);
      const texts = entries.map((entry) => (checkKey(entry.key), toJsonText(entry.value)));
      transaction((nowMs) => {
        for (const [at, entry] of entries.entries()) write(collection, entry.key, texts[at] as string, entry, nowMs);
      });
    },

    async delete(collection, key, ifVersion) {
      checkCollection(collection);
      return transaction((nowMs) => {
        const row = headOf(collection, key);
        if (!isLive(row, nowMs) || (ifVersion !== undefined && ifVersion !== row.version)) return false;
        removeRow(collection, key, row);
        return true;
      });
    },

    async find<T>(collection: string, index: string, value: string, { limit, after, descending }: PageOptions) {
      checkCollection(collection);
      checkPage({ limit });
      const statement = descending === true ? sql.findDown : sql.findUp;
      const rows = guarded(() =>
        statement.all(
          collection,
          index,
          toIndexValue(value),
          after ?? (descending === true ? "\x7f" : ""),
          clock.now(),
          limit + 1,
        ),
      );
      return toPage<T>(rows as unknown as Row[], limit);
    },

    async list<T>(collection: string, { limit, after, descending }: PageOptions) {
      checkCollection(collection);
      checkPage({ limit });
      const statement = descending === true ? sql.listDown : sql.listUp;
      const rows = guarded(() =>
        statement.all(collection, after ?? (descending === true ? "\x7f" : ""), clock.now(), limit + 1),
      );
      return toPage<T>(rows as unknown as Row[], limit);
    },

    async trim(collection, keep) {
      checkCollection(collection);
      return transaction(() => {
        const records = Number(sql.count.get(collection)?.["records"] ?? 0);
        const surplus = Math.min(MAX_BATCH, Math.max(0, records - keep));
        if (surplus === 0) return 0;
        const rows = sql.lowest.all(collection, surplus) as unknown as (Head & { key: string })[];
        for (const row of rows) removeRow(collection, row.key, row);
        return rows.length;
      });
    },

    async run(script, keys, args) {
      checkScriptKeys(keys);
      return transaction((nowMs) => {
        const view: ScriptView = {
          nowMs,
          get(key) {
            const row = sql.getHash.get(key, nowMs);
            return row === undefined ? undefined : (JSON.parse(row["fields"] as string) as Record<string, string>);
          },
          set: (key, fields, ttlMs) =>
            void sql.setHash.run(key, JSON.stringify(fields), toExpiry(nowMs, ttlMs) ?? null),
          delete: (key) => void sql.deleteHash.run(key),
        };
        return script.run(view, keys, args);
      });
    },

    async publish(channel, message) {
      if (closed) throw closedError();
      channels.publish(channel, message);
    },

    async subscribe(channel, listener) {
      if (closed) throw closedError();
      const unsubscribe = channels.subscribe(channel, listener);
      return async () => unsubscribe();
    },

    async close() {
      if (closed) return;
      closed = true;
      leave();
      database.close();
    },
  };
}
