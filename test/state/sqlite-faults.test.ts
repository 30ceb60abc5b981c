import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { openSqliteFile } from "../../src/state/sqlite-file.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import type { Store, StoreScript } from "../../src/state/store.ts";
import { createTestClock } from "./test-clock.ts";

const writer = join(import.meta.dirname, "processes", "write-until-killed.ts");
const readCount: StoreScript = { name: "read", lua: "", run: (view, [key]) => view.get(key as string)?.["n"] ?? "0" };

describe("a SQLite store in trouble", () => {
  let folder: string;
  let file: string;
  const open: Store[] = [];
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sallyport-sqlite-"));
    file = join(folder, "state.db");
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await Promise.all(open.splice(0).map((store) => store.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  function openOne(clock = systemClock, path = file): Store {
    const store = createSqliteStore({ kind: "sqlite", file: path, synchronous: "normal" }, { clock, log: silentLog });
    open.push(store);
    return store;
  }
  const refusal = (path = file): unknown => {
    try {
      openOne(systemClock, path);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  async function count(store: Store, collection: string): Promise<number> {
    let total = 0;
    let after: string | undefined;
    do {
      const page: Awaited<ReturnType<Store["list"]>> = await store.list(collection, {
        limit: 1_000,
        ...(after !== undefined && { after }),
      });
      total += page.records.length;
      after = page.next;
    } while (after !== undefined);
    return total;
  }

  test.for([20, 200, 700])(
    "after kill -9 at %d acknowledged rounds everything acknowledged is there, and every batch is whole",
    async (rounds) => {
      const child = spawn(process.execPath, [writer, file], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      const acknowledged = { single: -1, batch: -1, count: 0 };
      let rest = "";
      await new Promise<void>((resolve) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          const lines = (rest + chunk.toString()).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const [kind, n] = line.split(" ");
            acknowledged[kind as keyof typeof acknowledged] = Number(n);
          }
          if (acknowledged.count >= rounds) child.kill("SIGKILL");
        });
        child.stdout?.on("end", resolve);
      });
      const store = openOne();
      const singles = await count(store, "single");
      expect(singles).toBeGreaterThanOrEqual(acknowledged.single + 1);
      expect(singles).toBeLessThanOrEqual(acknowledged.single + 2);
      for (const n of [0, Math.floor(acknowledged.single / 2), acknowledged.single]) {
        expect(await store.get("single", String(n).padStart(9, "0"))).toMatchObject({
          value: { n, padding: "x".repeat(n % 3_000) },
          version: 1,
        });
      }
      const batched = await count(store, "batch");
      expect(batched % 3).toBe(0);
      expect(batched / 3).toBeGreaterThanOrEqual(acknowledged.batch + 1);
      expect(Number(await store.run(readCount, ["counter"], []))).toBeGreaterThanOrEqual(acknowledged.count);
      // The counter of records that trimming relies on has survived with them.
      expect(await store.trim("single", singles)).toBe(0);
      expect(await store.trim("single", singles - 1)).toBe(1);
    },
  );

  test("a store on a file sees what a second one and another process write to it", async () => {
    const [one, two] = [openOne(), openOne()];
    await one.put("c", "k", 1);
    expect(await two.get("c", "k")).toMatchObject({ value: 1 });
    expect(await two.put("c", "k", 2, { ifVersion: 1 })).toBe(2);
    expect(await one.put("c", "k", 3, { ifVersion: 1 })).toBeUndefined();
  });

  test("a writer that finds the file locked waits its turn, and gives up as unavailable when the turn does not come", async () => {
    const store = openOne();
    await store.put("c", "k", 1);
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    await expect(store.put("c", "k", 2)).rejects.toMatchObject({ kind: "state_unavailable" });
    await expect(store.run(readCount, ["counter"], [])).rejects.toMatchObject({ kind: "state_unavailable" });
    // Readers are not held up by a writer.
    expect(await store.get("c", "k")).toMatchObject({ value: 1, version: 1 });
    other.exec("ROLLBACK");
    other.close();
    expect(await store.put("c", "k", 3)).toBe(2);
  });

  test("a script that throws changes nothing", async () => {
    const store = openOne();
    const failing: StoreScript = {
      name: "failing",
      lua: "",
      run(view, [key]) {
        view.set(key as string, { n: "1" });
        throw new TypeError("halfway");
      },
    };
    await expect(store.run(failing, ["counter"], [])).rejects.toThrow(TypeError);
    expect(await store.run(readCount, ["counter"], [])).toBe("0");
    expect(await store.put("c", "k", 1)).toBe(1);
  });

  test("the file and its folder are made, for their owner alone", async () => {
    const path = join(folder, "new", "deeper", "state.db");
    const store = openOne(systemClock, path);
    await store.put("c", "k", 1);
    for (const name of ["", "-wal", "-shm"]) expect(statSync(path + name).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "new", "deeper")).mode & 0o777).toBe(0o700);
  });

  test("a file of garbage is refused with what to do, and left as it is", () => {
    writeFileSync(file, "this is no database, whatever its name says\n".repeat(200));
    const before = readFileSync(file);
    expect(refusal()).toMatchObject({
      kind: "state_unavailable",
      message: expect.stringMatching(/not a SQLite database or it is damaged.*backup/),
    });
    expect(readFileSync(file)).toEqual(before);
  });

  test("a damaged file is refused with what to do", async () => {
    const store = openOne();
    await store.putMany(
      "c",
      Array.from({ length: 1_000 }, (_, n) => ({ key: `k${n}`, value: "x".repeat(500), indexes: { i: `${n}` } })),
    );
    await store.close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4_096 * 3, 4_096 * 12);
    writeFileSync(file, bytes);
    expect(refusal()).toMatchObject({ kind: "state_unavailable", message: expect.stringMatching(/damaged.*backup/) });
  });

  test("a file that a newer version wrote is refused with both versions, and left as it is", async () => {
    await openOne().close();
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(refusal()).toMatchObject({
      kind: "state_unavailable",
      message: expect.stringMatching(/newer version.*schema 99, this one knows 2/),
    });
    const after = new DatabaseSync(file);
    expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    after.close();
  });

  test("another application's database is refused, and left as it is", () => {
    const database = new DatabaseSync(file);
    database.exec("CREATE TABLE theirs (x)");
    database.close();
    expect(refusal()).toMatchObject({
      kind: "state_unavailable",
      message: expect.stringMatching(/another application/),
    });
    const after = new DatabaseSync(file);
    expect(after.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "theirs" }]);
    after.close();
  });

  test("a place where nothing can be made is refused with what to do", () => {
    writeFileSync(join(folder, "plain"), "");
    expect(refusal(join(folder, "plain", "state.db"))).toMatchObject({
      kind: "state_unavailable",
      message: expect.stringMatching(/cannot be opened for writing/),
    });
    mkdirSync(join(folder, "directory.db"));
    expect(refusal(join(folder, "directory.db"))).toMatchObject({ kind: "state_unavailable" });
  });

  test("what a database of any age held is there after opening again, with its settings", async () => {
    const store = openOne();
    await store.put("c", "k", { n: 1 }, { indexes: { i: "x" }, ttlMs: 60_000 });
    await store.close();
    const again = openOne();
    expect(await again.get("c", "k")).toMatchObject({ value: { n: 1 }, version: 1 });
    expect((await again.find("c", "i", "x", { limit: 5 })).records).toHaveLength(1);
    const database = openSqliteFile(file, "full");
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    database.close();
  });

  test("closing leaves one file", async () => {
    const store = openOne();
    await store.put("c", "k", 1);
    await store.close();
    expect([file, `${file}-wal`, `${file}-shm`].map((path) => existsSync(path))).toEqual([true, false, false]);
    chmodSync(file, 0o600);
  });

  test("expired records, their indexes and expired script records are taken out of the file a bounded number at a time", async () => {
    const clock = createTestClock();
    const store = openOne(clock);
    for (let batch = 0; batch < 3; batch += 1) {
      await store.putMany(
        "c",
        Array.from({ length: 300 }, (_, n) => ({
          key: `${batch}-${n}`,
          value: n,
          ttlMs: 1_000,
          indexes: { i: `${n}` },
        })),
      );
    }
    const touch: StoreScript = {
      name: "touch",
      lua: "",
      run: (view, [key]) => (view.set(key as string, { n: "1" }, 1_000), ""),
    };
    for (let n = 0; n < 300; n += 1) await store.run(touch, [`h${n}`], []);
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = (table: string) => Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"]);
    clock.pass(2_000);
    await store.put("other", "k", 1);
    expect(rows("records")).toBe(900 - 200 + 1);
    for (let n = 0; n < 10; n += 1) await store.put("other", "k", n);
    expect(rows("records")).toBe(1);
    expect(rows("record_indexes")).toBe(0);
    expect(rows("hashes")).toBe(0);
    expect(database.prepare("SELECT * FROM collections WHERE records > 0").all()).toEqual([
      { name: "other", records: 1 },
    ]);
    database.close();
  });
});
