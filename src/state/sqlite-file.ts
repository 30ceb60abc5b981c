import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../core/errors.ts";

/** `SALY`: marks the file as ours in the SQLite header. */
const APPLICATION_ID = 0x53414c59;

/** How long a statement waits for another process that writes. It blocks the event loop, so it is short. */
const BUSY_TIMEOUT_MS = 500;

/** Beyond this size a whole check at start would take longer than a restart may. */
const CHECKED_WHOLE_BYTES = 32 * 1024 * 1024;

/** One entry per version of the schema; an entry never changes once released. */
const migrations: readonly string[] = [
  `CREATE TABLE records (
     id INTEGER PRIMARY KEY,
     collection TEXT NOT NULL,
     key TEXT NOT NULL,
     value TEXT NOT NULL,
     version INTEGER NOT NULL,
     expires_at INTEGER,
     indexes TEXT NOT NULL,
     UNIQUE (collection, key)
   ) STRICT;
   CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
   CREATE TABLE record_indexes (
     collection TEXT NOT NULL,
     name TEXT NOT NULL,
     value TEXT NOT NULL,
     key TEXT NOT NULL,
     record INTEGER NOT NULL,
     PRIMARY KEY (collection, name, value, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE collections (
     name TEXT PRIMARY KEY,
     records INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE hashes (
     key TEXT PRIMARY KEY,
     fields TEXT NOT NULL,
     expires_at INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX hashes_expiry ON hashes (expires_at) WHERE expires_at IS NOT NULL;`,
  // Records of the journal are kept 64 together. What the summary "*" stands for may hold anything (observability/journal-terms.ts).
  `INSERT INTO records (collection, key, value, version, expires_at, indexes)
     SELECT 'journal.segments', min(key),
       json_object('commons', json('[]'), 'records', json_group_array(json(value) ORDER BY key)), 1, max(expires_at), '[]'
     FROM (SELECT key, value, expires_at, (row_number() OVER (ORDER BY key) - 1) / 64 AS segment
       FROM records WHERE collection = 'journal')
     GROUP BY segment;
   INSERT INTO records (collection, key, value, version, expires_at, indexes)
     SELECT 'journal.summaries', key, '"*"', 1, expires_at, '[]' FROM records WHERE collection = 'journal.segments';
   DELETE FROM record_indexes WHERE collection = 'journal';
   DELETE FROM records WHERE collection = 'journal';
   DELETE FROM collections WHERE name = 'journal';
   INSERT INTO collections (name, records)
     SELECT collection, count(*) FROM records WHERE collection IN ('journal.segments', 'journal.summaries') GROUP BY collection;`,
];

const unusable = (file: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError("state_unavailable", `The state file ${file} cannot be used: ${why}`, { cause });

const hasCode = (error: unknown, ...codes: readonly number[]): boolean => {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && codes.includes(code & 0xff);
};

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** Brings the file to the newest schema, or refuses one that is not ours or is newer than we are. */
function migrate(database: DatabaseSync, file: string): void {
  const version = pragma(database, "user_version");
  const tables = Number(database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"]);
  if (tables > 0 && pragma(database, "application_id") !== APPLICATION_ID) {
    throw unusable(file, "it is the database of another application. Name another file in `state`.");
  }
  if (version > migrations.length) {
    throw unusable(
      file,
      `a newer version wrote it (schema ${version}, this one knows ${migrations.length}). Run that version, or name another file in \`state\`.`,
    );
  }
  for (let next = version; next < migrations.length; next += 1) {
    database.exec(`${migrations[next]} PRAGMA user_version = ${next + 1}; PRAGMA application_id = ${APPLICATION_ID};`);
  }
}

function checkWhole(database: DatabaseSync, file: string): void {
  if (statSync(file).size > CHECKED_WHOLE_BYTES) return;
  const answer = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (answer !== "ok")
    throw unusable(file, "it is damaged. Restore it from a backup, or move it away to start empty.", answer);
}

/**
 * Opens the file, made with its folder when missing and readable by its owner only. Throws GatewayError("state_unavailable")
 * for a file that is damaged, newer, another application's or not writable.
 */
export function openSqliteFile(file: string, synchronous: "normal" | "full"): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Made here so that it never exists with wider rights; SQLite gives the -wal and -shm files the same ones.
    closeSync(openSync(file, "a", 0o600));
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    database.exec("PRAGMA journal_mode = WAL");
    // A checkpoint waits for the disk (measured: 5 to 100 ms), and the event loop with it: every 16 MB of writes instead of every 4.
    database.exec("PRAGMA wal_autocheckpoint = 4000");
    database.exec(
      `PRAGMA synchronous = ${synchronous === "full" ? "FULL" : "NORMAL"}; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY`,
    );
    checkWhole(database, file);
    // Two processes may open a new file at once: the second waits here and finds the work done.
    database.exec("BEGIN IMMEDIATE");
    migrate(database, file);
    database.exec("COMMIT");
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof GatewayError) throw error;
    // 26 SQLITE_NOTADB, 11 SQLITE_CORRUPT: https://www.sqlite.org/rescode.html
    if (hasCode(error, 26, 11))
      throw unusable(
        file,
        "it is not a SQLite database or it is damaged. Restore it from a backup, or move it away to start empty.",
        error,
      );
    if (hasCode(error, 5, 6)) throw unusable(file, "another process has kept it locked.", error);
    throw unusable(
      file,
      "it cannot be opened for writing. Check that the folder exists and belongs to this user.",
      error,
    );
  }
}
