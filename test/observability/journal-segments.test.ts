import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { silentLog } from "../../src/core/log.ts";
import { createJournal, type Journal, type JournalQuery } from "../../src/observability/journal.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { openRedisStore } from "../../src/state/redis.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import type { Store } from "../../src/state/store.ts";
import { startRedis } from "../state/redis-server.ts";
import { createTestClock } from "../state/test-clock.ts";
import { createTestContext } from "./test-context.ts";

const HOUR_MS = 3_600_000;
const config = { retention: 168 * HOUR_MS, maxRecords: 1_000_000, onFull: "drop" as const };
const ok = { status: "ok", durationMs: 1 } as const;

/** Repeatable numbers below `below` (mulberry32). */
function createRandom(seed: number) {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe("segments of the journal", () => {
  const open: { close(): Promise<void> | void }[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sallyport-journal-"));
  });
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
    rmSync(folder, { recursive: true });
  });

  const clock = createTestClock();

  function openJournal(store: Store): Journal {
    const metrics = createMetrics();
    const journal = createJournal(config, { store, clock, log: silentLog, meter: metrics.meter });
    open.push(metrics, journal);
    return journal;
  }

  function openFile(): Store {
    const file = join(folder, "state.db");
    const store = createSqliteStore({ kind: "sqlite", file, synchronous: "normal" }, { clock, log: silentLog });
    open.push(store);
    return store;
  }

  function openMemory(): Store {
    const store = createMemoryStore({ clock, log: silentLog });
    open.push(store);
    return store;
  }

  /** Every page; each must be in order and hold no more than was asked. */
  async function readPages(journal: Journal, query: JournalQuery): Promise<JournalRecord[]> {
    const found: JournalRecord[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      expect((pages += 1)).toBeLessThan(2_000);
      const page = await journal.query({ ...query, ...(after !== undefined && { after }) });
      expect(page.records.length).toBeLessThanOrEqual(query.limit);
      const ids = page.records.map((record) => record.id);
      expect(ids).toEqual(ids.toSorted().reverse());
      found.push(...page.records);
      after = page.next;
    } while (after !== undefined);
    return found;
  }

  const segmentsOf = async (store: Store) => (await store.list("journal.segments", { limit: 1_000 })).records;

  interface Made {
    readonly id: string;
    readonly request: string;
    readonly chain: string;
    readonly principal: string;
    readonly target: string;
    readonly outcome: "ok" | "failed" | "denied";
    readonly atMs: number;
    /** The key of the one counter that something was taken from. */
    readonly key: string | undefined;
  }

  const counterOf = (key: string) => ({ budget: "b", limit: "9 tokens/day", key });
  const lineOf = (key: string) => ({ budget: { name: "b" }, limit: { text: "9 tokens/day", thing: "tokens" }, key });

  function recordRandom(journal: Journal, random: (below: number) => number, id: string): Made {
    const chain = `chain-${random(40)}`;
    const made: Made = {
      id,
      request: random(3) === 0 ? `request-${random(60)}` : chain,
      chain,
      principal: `principal-${random(7)}`,
      target: `tool-${random(random(2) === 0 ? 3 : 200)}`,
      outcome: (["ok", "ok", "ok", "failed", "denied"] as const)[random(5)] ?? "ok",
      atMs: clock.now(),
      key: random(3) === 0 ? `key-${random(9)}` : undefined,
    };
    /* One was asked for room, and nothing was taken. */
    const lines = [lineOf("unused"), ...(made.key === undefined ? [] : [lineOf(made.key)])];
    const booked = lines.map((_, at) => 5 * at);
    journal.record(
      createTestContext({
        id,
        request: made.request,
        chain: made.chain,
        principal: made.principal,
        operation: { target: { kind: "tool", name: made.target, server: "files" } },
        context: { charges: [{ lines, reserved: booked, booked }] },
      }),
      { status: made.outcome, durationMs: 1 },
      "h",
    );
    return made;
  }

  function pickQuery(random: (below: number) => number, made: Made): JournalQuery {
    return {
      limit: [1, 2, 10, 63, 64, 65, 1_000][random(7)] as number,
      ...(random(4) === 0 && { request: made.request }),
      ...(random(3) === 0 && { chain: made.chain }),
      ...(random(3) === 0 && { principal: made.principal }),
      ...(random(3) === 0 && { target: made.target }),
      ...(random(3) === 0 && made.outcome !== "ok" && { outcome: made.outcome }),
      ...(random(3) === 0 && { charged: counterOf(made.key ?? "unused") }),
      ...(random(3) === 0 && { sinceMs: made.atMs - random(40) }),
      ...(random(3) === 0 && { beforeMs: made.atMs + random(40) }),
    };
  }

  const meets = (made: Made, query: JournalQuery): boolean =>
    (["request", "chain", "principal", "target", "outcome"] as const).every(
      (name) => query[name] === undefined || query[name] === made[name],
    ) &&
    (query.charged === undefined || query.charged.key === made.key) &&
    made.atMs >= (query.sinceMs ?? 0) &&
    made.atMs < (query.beforeMs ?? Infinity);

  test.for([
    ["memory", 1],
    ["memory", 2],
    ["a SQLite file", 3],
  ] as const)(
    "on %s any search finds what a plain list of the records has, newest first (seed %d)",
    async ([kind, seed]) => {
      const random = createRandom(seed);
      const journal = openJournal(kind === "memory" ? openMemory() : openFile());
      const model: Made[] = [];
      for (let n = 0; n < 700; n += 1) {
        model.unshift(recordRandom(journal, random, `op-${n}`));
        if (random(3) === 0) clock.pass(random(5));
        if (random(20) === 0) await journal.flush();
      }
      for (let turn = 0; turn < 60; turn += 1) {
        const query = pickQuery(random, model[random(model.length)] as Made);
        const found = await readPages(journal, query);
        expect(found.map((record) => record.operationId)).toEqual(
          model.filter((made) => meets(made, query)).map((made) => made.id),
        );
      }
    },
  );

  test("two gateways on one Redis: each finds the records of both, whole and once, in pages that are in order", async () => {
    const server = await startRedis();
    open.push({ close: () => server.stop() });
    const openOne = async () => {
      const store = await openRedisStore(
        { kind: "redis", urls: [server.url], cluster: false, prefix: "s:", timeoutMs: 10_000, ca: undefined },
        { log: silentLog },
      );
      open.push(store);
      return openJournal(store);
    };
    const journals = [await openOne(), await openOne()] as const;
    const random = createRandom(4);
    const model: Made[] = [];
    for (let n = 0; n < 600; n += 1) {
      // One is busier than the other, and their segments overlap in time.
      const journal = journals[random(4) === 0 ? 1 : 0];
      model.push(recordRandom(journal, random, `op-${n}`));
      if (random(2) === 0) clock.pass(1);
      if (random(30) === 0) await journal.flush();
    }
    await Promise.all(journals.map((journal) => journal.flush()));
    for (let turn = 0; turn < 40; turn += 1) {
      const query = pickQuery(random, model[random(model.length)] as Made);
      const found = await readPages(journals[turn % 2] as Journal, query);
      expect(found.map((record) => record.operationId).toSorted()).toEqual(
        model
          .filter((made) => meets(made, query))
          .map((made) => made.id)
          .toSorted(),
      );
    }
  });

  test("paging finds what stood at its beginning, once, while records are added to the open segment", async () => {
    const journal = openJournal(openMemory());
    for (let n = 0; n < 100; n += 1) journal.record(createTestContext({ id: `op-${n}` }), ok, "h");
    const ids: string[] = [];
    let after: string | undefined;
    let n = 100;
    do {
      const page = await journal.query({ limit: 7, ...(after !== undefined && { after }) });
      ids.push(...page.records.map((record) => record.operationId));
      after = page.next;
      for (let added = 0; added < 9; added += 1) journal.record(createTestContext({ id: `op-${(n += 1)}` }), ok, "h");
    } while (after !== undefined);
    expect(ids).toEqual(Array.from({ length: 100 }, (_, at) => `op-${99 - at}`));
  });

  test("records that come one at a time are added to the segment that is stored, until it holds 64", async () => {
    const store = openFile();
    const journal = openJournal(store);
    for (let n = 0; n < 130; n += 1) {
      journal.record(createTestContext({ id: `op-${n}`, chain: `chain-${n}` }), ok, "h");
      await journal.flush();
      expect((await journal.query({ chain: `chain-${n}`, limit: 10 })).records).toHaveLength(1);
    }
    expect(await segmentsOf(store)).toHaveLength(3);
    expect(await readPages(journal, { limit: 50 })).toHaveLength(130);
    expect((await journal.query({ chain: "chain-0", limit: 10 })).records).toHaveLength(1);
  });

  test("each process begins a segment of its own, also one that was started again", async () => {
    const store = openMemory();
    for (const id of ["first", "second"]) {
      const journal = openJournal(store);
      journal.record(createTestContext({ id }), ok, "h");
      await journal.close();
      clock.pass(1);
    }
    expect(await segmentsOf(store)).toHaveLength(2);
    const found = await readPages(openJournal(store), { limit: 10 });
    expect(found.map((record) => record.operationId)).toEqual(["second", "first"]);
  });

  test("a segment takes records for an hour at most, and none is shown beyond the retention while its segment stands", async () => {
    const store = openMemory();
    const journal = openJournal(store);
    for (const id of ["first", "with it", "an hour later"]) {
      journal.record(createTestContext({ id }), ok, "h");
      await journal.flush();
      clock.pass(HOUR_MS / 2);
    }
    expect(await segmentsOf(store)).toHaveLength(2);
    clock.pass(config.retention - 1.5 * HOUR_MS);
    const shown = async () => (await readPages(journal, { limit: 10 })).map((record) => record.operationId);
    expect(await segmentsOf(store)).toHaveLength(2);
    expect(await shown()).toEqual(["an hour later", "with it"]);
    clock.pass(HOUR_MS / 2);
    expect(await segmentsOf(store)).toHaveLength(1);
    expect(await shown()).toEqual(["an hour later"]);
  });

  test.for(["", "x", "op-1", "abc.", ".1", "abc.1.2", "ABC.1", `${"a".repeat(65)}.1`, "abc.-1"])(
    "an `after` that no page gave is refused: %j",
    async (after) => {
      const journal = openJournal(openMemory());
      await expect(journal.query({ limit: 1, after })).rejects.toThrow(
        expect.objectContaining({ kind: "invalid_params" }) as GatewayError,
      );
    },
  );

  test("a file of the first schema opens, and its records are found as before", async () => {
    const former = openFile();
    const template = createTestContext();
    const ids = Array.from(
      { length: 150 },
      (_, n) => `${clock.now().toString(36).padStart(9, "0")}${10_000 + n}0abcdef0`,
    );
    await former.putMany(
      "journal",
      ids.map((id, n) => ({
        key: id,
        value: {
          id,
          operationId: `op-${n}`,
          exchangeId: `request-${n}`,
          chainId: `chain-${n % 2}`,
          principal: { id: "ann", tenant: "t", client: "c", actors: [] },
          target: template.operation.target,
          outcome: "ok",
        },
        ttlMs: config.retention,
        indexes: { chain: `chain-${n % 2}`, principal: "ann", target: "read_file" },
      })),
    );
    await former.put("tokens", "t", { kept: true }, { indexes: { owner: "ann" } });
    await former.close();
    const database = new DatabaseSync(join(folder, "state.db"));
    database.exec("PRAGMA user_version = 1");
    database.close();

    const store = openFile();
    const journal = openJournal(store);
    clock.pass(1);
    journal.record(createTestContext({ id: "op-150", chain: "chain-0" }), ok, "h");
    const idsOf = async (query: JournalQuery) => (await readPages(journal, query)).map((record) => record.operationId);
    const expected = Array.from({ length: 151 }, (_, n) => `op-${150 - n}`);
    expect(await idsOf({ limit: 20 })).toEqual(expected);
    expect(await idsOf({ limit: 20, chain: "chain-0" })).toEqual(expected.filter((_, n) => n % 2 === 0));
    expect(await readPages(journal, { limit: 1, request: "request-70" })).toMatchObject([
      { operationId: "op-70", requestId: "request-70" },
    ]);
    expect(await segmentsOf(store)).toHaveLength(4);
    expect(await store.trim("journal.segments", 4)).toBe(0);
    expect(await store.trim("journal.segments", 3)).toBe(1);
    expect((await store.list("journal", { limit: 1 })).records).toEqual([]);
    expect((await store.find("tokens", "owner", "ann", { limit: 1 })).records).toMatchObject([
      { value: { kept: true } },
    ]);
  });
});
