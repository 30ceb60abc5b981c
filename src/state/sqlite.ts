import { realpathSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Channels } from "./channels.ts";
import { createChannels } from "./channels.ts";
import { checkBatch, checkCollection, checkKey, checkPage, checkScriptKeys, closedError, MAX_BATCH, toExpiry, toIndexPairs, toIndexValue, toJsonText } from "./check-arguments.ts";
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
export function createSqliteStore(config: SqliteStateConfig, { clock, log }: { readonly clock: Clock; readonly log: Log }): Store {
  const database: DatabaseSync = openSqliteFile(config.file, config.synchronous);
  const sql = prepareStatements(database);
  const { channels, leave } = joinChannels(config.file, log);
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
    const rows = sql.expired.all(nowMs, SWEEP_LIMIT) as unknown as { id: number; collection: string; key: string; indexes: string }[];
    for (const row of rows) removeRow(row.id, row.collection, row.key, row.indexes);
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
        sql.commit.run();
        return result;
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (database.isTransaction) sql.rollback.run();
        throw error;
      }
    });
  }

  function unindex(collection: string, key: string, indexes: string): void {
    if (indexes === "[]") return;
    for (const [name, value] of JSON.parse(indexes) as [string, string][]) sql.unindex.run(collection, name, value, key);
  }

  function removeRow(id: number, collection: string, key: string, indexes: string): void {
    unindex(collection, key, indexes);
    sql.remove.run(id);
  }

  /** The new version, or undefined when `ifVersion` does not hold. */
  function write(collection: string, key: string, text: string, options: PutOptions, nowMs: number): number | undefined {
    const row = sql.head.get(collection, key) as { id: number; version: number; expires_at: number | null; indexes: string } | undefined;
    const version = row !== undefined && (row.expires_at === null || row.expires_at > nowMs) ? row.version : 0;
    if (options.ifVersion !== undefined && options.ifVersion !== version) return undefined;
    const pairs = toIndexPairs(options.indexes);
    const indexes = JSON.stringify(pairs);
    const expiry = toExpiry(nowMs, options.ttlMs) ?? null;
    if (row !== undefined && row.indexes === indexes) {
      sql.update.run(text, version + 1, expiry, indexes, row.id);
      return version + 1;
    }
    if (row !== undefined) unindex(collection, key, row.indexes);
    const id = row === undefined ? sql.insert.run(collection, key, text, expiry, indexes).lastInsertRowid : row.id;
    if (row !== undefined) sql.update.run(text, version + 1, expiry, indexes, row.id);
    for (const [name, value] of pairs) sql.index.run(collection, name, value, key, id);
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
        for (const [at, { key, ttlMs, indexes }] of entries.entries()) {
          write(collection, key, texts[at] as string, { ...(ttlMs !== undefined && { ttlMs }), ...(indexes && { indexes }) }, nowMs);
        }
      });
    },

    async delete(collection, key, ifVersion) {
      checkCollection(collection);
      return transaction((nowMs) => {
        const row = sql.head.get(collection, key) as { id: number; version: number; expires_at: number | null; indexes: string } | undefined;
        if (row === undefined || (row.expires_at !== null && row.expires_at <= nowMs)) return false;
        if (ifVersion !== undefined && ifVersion !== row.version) return false;
        removeRow(row.id, collection, key, row.indexes);
        return true;
      });
    },

    async find<T>(collection: string, index: string, value: string, { limit, after, descending }: PageOptions) {
      checkCollection(collection);
      checkPage({ limit });
      const statement = descending === true ? sql.findDown : sql.findUp;
      const rows = guarded(() => statement.all(collection, index, toIndexValue(value), after ?? (descending === true ? "\x7f" : ""), clock.now(), limit + 1));
      return toPage<T>(rows as unknown as Row[], limit);
    },

    async list<T>(collection: string, { limit, after, descending }: PageOptions) {
      checkCollection(collection);
      checkPage({ limit });
      const statement = descending === true ? sql.listDown : sql.listUp;
      const rows = guarded(() => statement.all(collection, after ?? (descending === true ? "\x7f" : ""), clock.now(), limit + 1));
      return toPage<T>(rows as unknown as Row[], limit);
    },

    async trim(collection, keep) {
      checkCollection(collection);
      return transaction(() => {
        const count = Number(sql.count.get(collection)?.["records"] ?? 0);
        const surplus = Math.min(MAX_BATCH, Math.max(0, count - keep));
        if (surplus === 0) return 0;
        const rows = sql.lowest.all(collection, surplus) as unknown as { id: number; key: string; indexes: string }[];
        for (const { id, key, indexes } of rows) removeRow(id, collection, key, indexes);
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
          set: (key, fields, ttlMs) => void sql.setHash.run(key, JSON.stringify(fields), toExpiry(nowMs, ttlMs) ?? null),
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
