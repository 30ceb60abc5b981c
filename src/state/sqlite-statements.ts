import type { DatabaseSync } from "node:sqlite";

const RECORD = "r.key, r.value, r.version, r.expires_at";
const LIVE = "(r.expires_at IS NULL OR r.expires_at > ?)";
const list = (beyond: string, order: string) =>
  `SELECT ${RECORD} FROM records r WHERE r.collection = ? AND r.key ${beyond} ? AND ${LIVE} ORDER BY r.key ${order} LIMIT ?`;
const find = (beyond: string, order: string) =>
  `SELECT ${RECORD} FROM record_indexes i JOIN records r ON r.id = i.record
   WHERE i.collection = ? AND i.name = ? AND i.value = ? AND i.key ${beyond} ? AND ${LIVE} ORDER BY i.key ${order} LIMIT ?`;

/** Every statement the SQLite store runs, compiled once. */
export function prepareStatements(database: DatabaseSync) {
  const prepare = (text: string) => database.prepare(text);
  return {
    begin: prepare("BEGIN IMMEDIATE"),
    commit: prepare("COMMIT"),
    rollback: prepare("ROLLBACK"),
    get: prepare(`SELECT ${RECORD} FROM records r WHERE r.collection = ? AND r.key = ? AND ${LIVE}`),
    head: prepare("SELECT id, version, expires_at, indexes FROM records WHERE collection = ? AND key = ?"),
    insert: prepare(
      "INSERT INTO records (collection, key, value, version, expires_at, indexes) VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO NOTHING",
    ),
    update: prepare("UPDATE records SET value = ?, version = ?, expires_at = ?, indexes = ? WHERE id = ?"),
    remove: prepare("DELETE FROM records WHERE id = ?"),
    index: prepare("INSERT INTO record_indexes (collection, name, value, key, record) VALUES (?, ?, ?, ?, ?)"),
    unindex: prepare("DELETE FROM record_indexes WHERE collection = ? AND name = ? AND value = ? AND key = ?"),
    listUp: prepare(list(">", "ASC")),
    listDown: prepare(list("<", "DESC")),
    findUp: prepare(find(">", "ASC")),
    findDown: prepare(find("<", "DESC")),
    addToCount: prepare(
      "INSERT INTO collections (name, records) VALUES (?, ?) ON CONFLICT DO UPDATE SET records = records + excluded.records",
    ),
    count: prepare("SELECT records FROM collections WHERE name = ?"),
    lowest: prepare(
      "SELECT id, key, version, expires_at, indexes FROM records WHERE collection = ? ORDER BY key LIMIT ?",
    ),
    expired: prepare(
      "SELECT id, collection, key, version, expires_at, indexes FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
    ),
    getHash: prepare("SELECT fields FROM hashes WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)"),
    setHash: prepare(
      "INSERT INTO hashes (key, fields, expires_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET fields = excluded.fields, expires_at = excluded.expires_at",
    ),
    deleteHash: prepare("DELETE FROM hashes WHERE key = ?"),
    sweepHashes: prepare(
      "DELETE FROM hashes WHERE key IN (SELECT key FROM hashes WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
    ),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
