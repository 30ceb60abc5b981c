import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { toStoreMessages } from "./channels.ts";
import {
  checkBatch,
  checkCollection,
  checkKey,
  checkPage,
  checkScriptKeys,
  closedError,
  MAX_BATCH,
  toEntryText,
  toExpiry,
  toIndexValue,
  toJsonText,
} from "./check-arguments.ts";
import type { SqliteStateConfig } from "./config.ts";
import { joinFileChannels } from "./file-channels.ts";
import { openSqliteFile } from "./sqlite-file.ts";
import { createSqliteRecords } from "./sqlite-records.ts";
import { prepareStatements } from "./sqlite-statements.ts";
import type { Page, PageOptions, ScriptView, Store, StoredRecord } from "./store.ts";

const SWEEP_EVERY_MS = 1_000;
/** Sorts after every key. */
const BEYOND_ALL = "\x7f";

interface Row {
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly expires_at: number | null;
}

const toRecord = <T>({ key, value, version, expires_at: expiry }: Row): StoredRecord<T> => ({
  key,
  value: JSON.parse(value) as T,
  version,
  expiresAtMs: expiry ?? undefined,
});

/** Rows were read one beyond the limit, to know whether there are more. */
function toPage<T>(rows: readonly Row[], limit: number): Page<T> {
  const records = rows.slice(0, limit).map((row) => toRecord<T>(row));
  return { records, next: rows.length > limit ? records.at(-1)?.key : undefined };
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
  const records = createSqliteRecords(sql);
  const { channels, leave } = joinFileChannels(config.file, log);
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

  /** Runs `work` as one transaction. IMMEDIATE takes the write lock first: a read that turns into a write could not wait for it. */
  function transaction<R>(work: (nowMs: number) => R): R {
    return guarded(() => {
      const nowMs = clock.now();
      sql.begin.run();
      try {
        const result = work(nowMs);
        // A full haul means that there is more: go on with the next write.
        if (nowMs >= nextSweepAtMs) nextSweepAtMs = records.removeExpired(nowMs) ? nowMs : nowMs + SWEEP_EVERY_MS;
        records.writeCounts();
        sql.commit.run();
        return result;
      } catch (error) {
        records.forgetCounts();
        // A full disk makes SQLite roll back by itself.
        if (database.isTransaction) sql.rollback.run();
        throw error;
      }
    });
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
      return transaction((nowMs) => records.write(collection, key, text, options, nowMs));
    },

    async putMany(collection, entries) {
      checkCollection(collection);
      checkBatch(entries);
      const texts = entries.map((entry) => (checkKey(entry.key), toEntryText(entry)));
      transaction((nowMs) => {
        for (const [at, { key, ttlMs, indexes }] of entries.entries()) {
          const options = { ...(ttlMs !== undefined && { ttlMs }), ...(indexes !== undefined && { indexes }) };
          records.write(collection, key, texts[at] as string, options, nowMs);
        }
      });
    },

    async delete(collection, key, ifVersion) {
      checkCollection(collection);
      return transaction((nowMs) => records.remove(collection, key, ifVersion, nowMs));
    },

    async find<T>(collection: string, index: string, value: string, { limit, after, descending }: PageOptions) {
      checkCollection(collection);
      checkPage({ limit });
      const [statement, start] = descending === true ? [sql.findDown, BEYOND_ALL] : [sql.findUp, ""];
      const rows = guarded(() =>
        statement.all(collection, index, toIndexValue(value), after ?? start, clock.now(), limit + 1),
      );
      return toPage<T>(rows as unknown as Row[], limit);
    },

    async list<T>(collection: string, { limit, after, descending }: PageOptions) {
      checkCollection(collection);
      checkPage({ limit });
      const [statement, start] = descending === true ? [sql.listDown, BEYOND_ALL] : [sql.listUp, ""];
      const rows = guarded(() => statement.all(collection, after ?? start, clock.now(), limit + 1));
      return toPage<T>(rows as unknown as Row[], limit);
    },

    async trim(collection, keep, atMost = MAX_BATCH) {
      checkCollection(collection);
      return transaction(() => records.trim(collection, keep, Math.min(MAX_BATCH, atMost)));
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

    ...toStoreMessages(channels, () => closed),

    async close() {
      if (closed) return;
      closed = true;
      leave();
      database.close();
    },
  };
}
