import { afterEach, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { silentLog } from "../../src/core/log.ts";
import { createJournal, type Journal } from "../../src/observability/journal.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import type { Store } from "../../src/state/store.ts";
import { createTestClock } from "../state/test-clock.ts";
import { createTestContext } from "./test-context.ts";

const DAY_MS = 86_400_000;
const config = { retention: 7 * DAY_MS, maxRecords: 1_000_000, onFull: "drop" as const };
const ok = { status: "ok", durationMs: 12.345678 } as const;

/** A real store behind a switch: down as Redis is down. */
function withSwitch(store: Store) {
  const state = { down: false, refuses: false };
  const putMany: Store["putMany"] = (collection, entries) => {
    if (state.down) return Promise.reject(new GatewayError("state_unavailable", "down"));
    if (state.refuses) return Promise.reject(new GatewayError("internal", "refused"));
    return store.putMany(collection, entries);
  };
  return { state, store: { ...store, putMany } satisfies Store };
}

describe("journal", () => {
  const open: { close(): Promise<void> | void }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  function setUp(changes: Partial<typeof config> | { onFull: "refuse" } = {}) {
    const clock = createTestClock();
    const memory = createMemoryStore({ clock, log: silentLog });
    const metrics = createMetrics();
    const { state, store } = withSwitch(memory);
    const journal: Journal = createJournal(
      { ...config, ...changes },
      { store, clock, log: silentLog, meter: metrics.meter },
    );
    open.push(memory, metrics, journal);
    const metric = async (line: string) =>
      Number(
        new RegExp(`^sallyport_${line.replaceAll(/[{}"]/g, "\\$&")} (\\S+)$`, "m").exec(
          (await metrics.render()).body,
        )?.[1] ?? 0,
      );
    return { clock, store, state, journal, metric };
  }

  test("one record holds who, what, why, how long and at what cost", async () => {
    const { journal } = setUp();
    journal.record(
      createTestContext({
        context: {
          usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0 },
          costNanos: 1_234,
          notes: ["seen twice"],
        },
      }),
      ok,
      "policy-hash",
    );
    const { records, next } = await journal.query({ limit: 10 });
    expect(next).toBeUndefined();
    expect(records).toEqual([
      {
        id: expect.any(String),
        operationId: "operation-1",
        timeMs: 1_750_000_000_000,
        requestId: "exchange-1",
        chainId: "0af7651916cd43dd8448eb211c80319c",
        depth: 1,
        path: ["researcher"],
        route: "/mcp",
        protocol: "mcp",
        method: "tools/call",
        direction: "to-target",
        mode: "call",
        principal: {
          id: "https://issuer.example|ann",
          tenant: "team-a",
          client: "client-1",
          actors: [{ issuer: "https://issuer.example", subject: "agent" }],
        },
        target: { kind: "tool", name: "read_file", server: "files" },
        candidate: "files",
        decision: { allow: true, rule: "analysts read" },
        policyHash: "policy-hash",
        outcome: "ok",
        durationMs: 12.346,
        firstByteMs: 3.21,
        upstreamStatus: 200,
        usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0 },
        costNanos: 1_234,
        notes: ["seen twice"],
      },
    ]);
  });

  test("a denial is recorded with its rule, reason and error kind", async () => {
    const { journal } = setUp();
    journal.record(
      createTestContext({
        context: {
          decision: { allow: false, rule: "no way out", reason: "path leaves the folder" },
          candidate: undefined,
          upstreamStatus: undefined,
          firstByteMs: undefined,
        },
      }),
      { status: "denied", error: new GatewayError("denied", "Policy does not allow this request."), durationMs: 1 },
      "h",
    );
    const [record] = (await journal.query({ outcome: "denied", limit: 10 })).records;
    expect(record).toMatchObject({
      decision: { allow: false, rule: "no way out", reason: "path leaves the folder" },
      outcome: "denied",
      kind: "denied",
    });
    expect(record).not.toHaveProperty("candidate");
  });

  test("what rules in shadow mode would have done is recorded", async () => {
    const { journal } = setUp();
    const shadow = [{ rule: "long answers", would: "deny" as const }];
    journal.record(
      createTestContext({ context: { decision: { allow: true, rule: "analysts read", shadow } } }),
      { status: "ok", durationMs: 1 },
      "h",
    );
    const [record] = (await journal.query({ limit: 10 })).records;
    expect(record?.decision).toEqual({ allow: true, rule: "analysts read", shadow });
  });

  test("what was said is never stored", async () => {
    const { journal, store } = setUp();
    journal.record(createTestContext(), ok, "h");
    await journal.flush();
    expect(JSON.stringify(await store.list("journal.segments", { limit: 10 }))).not.toContain("canary-argument");
  });

  test("records come newest first, whole and without repeats, page by page, by chain, principal, target and outcome", async () => {
    const { journal, clock } = setUp();
    for (let n = 0; n < 60; n += 1) {
      journal.record(
        createTestContext({
          id: `op-${n}`,
          chain: `chain-${n % 3}`,
          principal: `principal-${n % 2}`,
          operation: { target: { kind: "tool", name: `tool-${n % 5}`, server: "files" } },
        }),
        n % 10 === 0 ? { status: "failed", durationMs: 1, error: new GatewayError("upstream_timeout", "late") } : ok,
        "h",
      );
      if (n % 7 === 0) clock.pass(3);
    }
    const all = async (query: Parameters<Journal["query"]>[0]) => {
      const ids: string[] = [];
      let after: string | undefined;
      do {
        expect(ids.length).toBeLessThanOrEqual(60);
        const page = await journal.query({ ...query, ...(after !== undefined && { after }) });
        ids.push(...page.records.map((record) => record.operationId));
        after = page.next;
      } while (after !== undefined);
      return ids;
    };
    const expected = (accept: (n: number) => boolean) =>
      Array.from({ length: 60 }, (_, n) => 59 - n)
        .filter(accept)
        .map((n) => `op-${n}`);
    for (const limit of [1, 7, 1_000]) {
      expect(await all({ limit })).toEqual(expected(() => true));
      expect(await all({ chain: "chain-1", limit })).toEqual(expected((n) => n % 3 === 1));
      expect(await all({ principal: "principal-0", limit })).toEqual(expected((n) => n % 2 === 0));
      expect(await all({ target: "tool-4", limit })).toEqual(expected((n) => n % 5 === 4));
      expect(await all({ outcome: "failed", limit })).toEqual(expected((n) => n % 10 === 0));
      expect(await all({ chain: "chain-0", principal: "principal-0", target: "tool-0", limit })).toEqual(
        expected((n) => n % 30 === 0),
      );
    }
    expect(await all({ chain: "nobody's", limit: 10 })).toEqual([]);
  });

  test("ids sort by time also when the clock is set back", async () => {
    const { journal, clock } = setUp();
    for (let n = 0; n < 5; n += 1) {
      journal.record(createTestContext({ id: `op-${n}` }), ok, "h");
      clock.pass(-1_000);
    }
    expect((await journal.query({ limit: 10 })).records.map((record) => record.operationId)).toEqual([
      "op-4",
      "op-3",
      "op-2",
      "op-1",
      "op-0",
    ]);
  });

  test("a name of any length from a caller is cut, and found by the whole of it", async () => {
    const { journal } = setUp();
    const name = "x".repeat(1_000_000);
    journal.record(
      createTestContext({
        chain: "c".repeat(5_000),
        operation: { method: name, target: { kind: "tool", name, server: name } },
      }),
      ok,
      "h",
    );
    const { records } = await journal.query({ target: name, limit: 1 });
    expect(records).toHaveLength(1);
    expect(JSON.stringify(records).length).toBeLessThan(10_000);
    expect((await journal.query({ chain: "c".repeat(5_000), limit: 1 })).records).toHaveLength(1);
  });

  test("records are gone after the retention", async () => {
    const { journal, clock } = setUp({ retention: DAY_MS });
    journal.record(createTestContext({ id: "old" }), ok, "h");
    await journal.flush();
    clock.pass(DAY_MS - 1);
    journal.record(createTestContext({ id: "new" }), ok, "h");
    expect((await journal.query({ limit: 10 })).records.map((record) => record.operationId)).toEqual(["new", "old"]);
    clock.pass(1);
    expect((await journal.query({ limit: 10 })).records.map((record) => record.operationId)).toEqual(["new"]);
  });

  test("of more records than are kept the oldest go, as fast as new ones come", async () => {
    const { journal, store } = setUp({ maxRecords: 1_000 });
    for (let n = 0; n < 3_000; n += 1) journal.record(createTestContext({ id: `op-${n}` }), ok, "h");
    const first = await journal.query({ limit: 900 });
    const second = await journal.query({ limit: 900, after: first.next as string });
    const ids = [...first.records, ...second.records].map((record) => record.operationId);
    // Sixteen segments of 64 records, of which the newest is not full.
    expect(ids).toEqual(Array.from({ length: 15 * 64 + (3_000 % 64) }, (_, n) => `op-${2_999 - n}`));
    for (const collection of ["journal.segments", "journal.summaries"])
      expect((await store.list(collection, { limit: 1_000 })).records).toHaveLength(16);
  });

  test("a store that is away keeps records waiting, and they are written when it returns", async () => {
    const { journal, state, store, metric } = setUp();
    state.down = true;
    for (let n = 0; n < 700; n += 1) journal.record(createTestContext({ id: `op-${n}` }), ok, "h");
    expect(await journal.flush()).toBe(false);
    expect((await store.list("journal.segments", { limit: 1 })).records).toEqual([]);
    state.down = false;
    expect(await journal.flush()).toBe(true);
    expect((await journal.query({ limit: 1_000 })).records.map((record) => record.operationId)).toEqual(
      Array.from({ length: 700 }, (_, n) => `op-${699 - n}`),
    );
    expect(await metric("journal_records_total")).toBe(700);
    expect(await metric('journal_dropped_total{reason="overflow"}')).toBe(0);
  });

  test("a store that stays away costs the oldest records, counted, and no more memory than the buffer", async () => {
    const { journal, state, metric } = setUp();
    state.down = true;
    for (let n = 0; n < 25_000; n += 1) journal.record(createTestContext({ id: `op-${n}` }), ok, "h");
    await journal.flush();
    const lost = await metric('journal_dropped_total{reason="overflow"}');
    expect(lost).toBeGreaterThanOrEqual(15_000);
    state.down = false;
    await journal.flush();
    expect(lost + (await metric("journal_records_total"))).toBe(25_000);
    expect((await journal.query({ limit: 1 })).records[0]?.operationId).toBe("op-24999");
  });

  test("what the store refuses for good is dropped and counted, and does not hold up what follows", async () => {
    const { journal, state, metric } = setUp();
    state.refuses = true;
    journal.record(createTestContext({ id: "refused" }), ok, "h");
    expect(await journal.flush()).toBe(true);
    state.refuses = false;
    journal.record(createTestContext({ id: "kept" }), ok, "h");
    expect((await journal.query({ limit: 10 })).records.map((record) => record.operationId)).toEqual(["kept"]);
    expect(await metric('journal_dropped_total{reason="refused"}')).toBe(1);
  });

  test("a journal that must be complete refuses work when it is full, and takes it again when it is written", async () => {
    const { journal, state } = setUp({ onFull: "refuse" });
    state.down = true;
    journal.checkRoom();
    for (let n = 0; n < 9_800; n += 1) journal.record(createTestContext(), ok, "h");
    expect(() => journal.checkRoom()).toThrow(expect.objectContaining({ kind: "state_unavailable" }));
    state.down = false;
    await journal.flush();
    journal.checkRoom();
  });

  test("a journal that may drop refuses nothing", async () => {
    const { journal, state } = setUp();
    state.down = true;
    for (let n = 0; n < 11_000; n += 1) journal.record(createTestContext(), ok, "h");
    expect(() => journal.checkRoom()).not.toThrow();
  });

  test("closing writes what waits; what comes later is not taken", async () => {
    const { journal, store } = setUp();
    journal.record(createTestContext(), ok, "h");
    await journal.close();
    await journal.close();
    journal.record(createTestContext(), ok, "h");
    expect((await store.list("journal.segments", { limit: 10 })).records).toHaveLength(1);
  });

  test("concurrent flushes write every record once and in order", async () => {
    const { journal, metric } = setUp();
    const flushes: Promise<boolean>[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      journal.record(createTestContext({ id: `op-${n}` }), ok, "h");
      if (n % 100 === 0) flushes.push(journal.flush());
    }
    await Promise.all(flushes);
    await journal.flush();
    expect(await metric("journal_records_total")).toBe(1_000);
    expect((await journal.query({ limit: 1_000 })).records).toHaveLength(1_000);
  });
});
