import { expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/step.ts";
import { createTraffic } from "../../src/observability/traffic.ts";
import { createRow, quantile, timePlace } from "../../src/observability/traffic-ring.ts";
import { createTestContext } from "./test-context.ts";

const MINUTE_MS = 60_000;
const startMs = Date.UTC(2026, 10, 23, 12);

function record(traffic: ReturnType<typeof createTraffic>, atMs: number, outcome: Partial<Outcome> = {}, target = "t") {
  const context = createTestContext({
    startedAtMs: atMs,
    operation: { target: { kind: "tool", name: target, server: "s" } },
    context: { costNanos: 5 },
  });
  traffic.operation(context, { status: "ok", durationMs: 10, ...outcome });
}

const openTraffic = () => createTraffic({ now: () => startMs });

test("what is older than an hour counts in the day alone, and what is older than a day nowhere", () => {
  const traffic = openTraffic();
  for (let minute = 0; minute < 26 * 60; minute += 1) record(traffic, startMs + minute * MINUTE_MS);
  const nowMs = startMs + (26 * 60 - 1) * MINUTE_MS;
  expect(traffic.total(15_000, 60, nowMs).calls).toBe(15);
  expect(traffic.total(MINUTE_MS, 60, nowMs).calls).toBe(60);
  expect(traffic.total(15 * MINUTE_MS, 96, nowMs).calls).toBe(24 * 60);
  expect(traffic.total(MINUTE_MS, 60, nowMs + 2 * 60 * MINUTE_MS).calls).toBe(0);
  const tenants = (ms: number) => traffic.names(nowMs - ms, nowMs).tenants.named.get("team-a")?.calls ?? 0;
  expect(tenants(15 * MINUTE_MS)).toBeGreaterThanOrEqual(15);
  expect(tenants(15 * MINUTE_MS)).toBeLessThanOrEqual(17);
  expect(tenants(24 * 60 * MINUTE_MS)).toBeGreaterThanOrEqual(24 * 60);
});

test("each way to end is counted for itself, and a refusal does not make calls look fast", () => {
  const traffic = openTraffic();
  record(traffic, startMs, { status: "ok", durationMs: 1_000 });
  record(traffic, startMs, { status: "denied", durationMs: 0.2, error: new GatewayError("denied", "no") });
  record(traffic, startMs, { status: "failed", durationMs: 0.2, error: new GatewayError("budget_exhausted", "no") });
  record(traffic, startMs, { status: "failed", durationMs: 1_000, error: new GatewayError("upstream_timeout", "no") });
  record(traffic, startMs, { status: "aborted", durationMs: 1_000, error: new GatewayError("cancelled", "no") });
  record(traffic, startMs, { status: "drained", durationMs: 1_000, error: new GatewayError("draining", "no") });
  const { latency, ...counts } = traffic.total(MINUTE_MS, 60, startMs);
  expect(counts).toMatchObject({ calls: 6, ok: 1, denied: 1, limited: 1, failed: 1, aborted: 2, costNanos: 30 });
  expect(latency.p50).toBeGreaterThan(900);
  expect(latency.p99).toBeLessThan(1_100);
});

test("handshakes are no calls; what the gateway calls for itself costs, and is none either", () => {
  const traffic = openTraffic();
  const operate = (operation: object) =>
    traffic.operation(createTestContext({ startedAtMs: startMs, operation, context: { costNanos: 5 } }), {
      status: "ok",
      durationMs: 1,
    });
  operate({ judged: false });
  operate({ judged: false, own: "an embedding for the cache" });
  expect(traffic.total(MINUTE_MS, 60, startMs)).toMatchObject({ calls: 0, costNanos: 5 });
});

test("names that callers make up take a bounded place, and what is not kept is counted all the same", () => {
  const traffic = openTraffic();
  for (let count = 0; count < 10_000; count++)
    record(traffic, startMs, { status: "failed", error: new GatewayError("internal", "no") }, `made-up-${count}`);
  const { named, others } = traffic.names(startMs, startMs).failing;
  expect(named.size).toBe(100);
  expect([...named.values()].reduce((sum, { calls }) => sum + calls, others.calls)).toBe(10_000);
});

/** One model's call of a tenant. */
function spend(
  traffic: ReturnType<typeof createTraffic>,
  atMs: number,
  tenant: string,
  costNanos: number,
  own?: string,
) {
  const context = createTestContext({
    startedAtMs: atMs,
    operation: { protocol: "llm", judged: own === undefined, ...(own !== undefined && { own }) },
    context: { costNanos, usage: { inputTokens: 3, outputTokens: 4 } },
  });
  const { exchange } = context;
  traffic.operation(
    { ...context, exchange: { ...exchange, principal: { ...exchange.principal, tenant } } },
    { status: own === undefined ? "ok" : "failed", durationMs: 1 },
  );
}

test("who spends most is named, however many came before", () => {
  const traffic = openTraffic();
  for (let count = 0; count < 150; count++) spend(traffic, startMs, `small-${count}`, 1);
  spend(traffic, startMs, "burner", 1e12);
  for (let count = 0; count < 150; count++) spend(traffic, startMs, `later-${count}`, 1);
  for (const nowMs of [startMs, startMs + 2 * MINUTE_MS]) {
    spend(traffic, nowMs, "burner", 0);
    const { named, others } = traffic.names(nowMs - 15 * MINUTE_MS, nowMs).tenants;
    expect(named.get("burner")?.costNanos).toBe(1e12);
    expect(others.calls).toBeGreaterThan(0);
  }
  const day = traffic.names(startMs - 24 * 60 * MINUTE_MS, startMs + 2 * MINUTE_MS).tenants;
  expect(day.named.get("burner")?.costNanos).toBe(1e12);
  expect([...day.named.values()].reduce((sum, { calls }) => sum + calls, day.others.calls)).toBe(303);
});

test("a name goes with its stretch of time, also where nobody has called since", () => {
  const traffic = openTraffic();
  spend(traffic, startMs, "old", 5);
  const laterMs = startMs + 5 * 60 * MINUTE_MS;
  for (const minutes of [15, 60])
    expect(traffic.names(laterMs - minutes * MINUTE_MS, laterMs).tenants.named.size).toBe(0);
  expect(traffic.names(laterMs - 24 * 60 * MINUTE_MS, laterMs).tenants.named.get("old")).toMatchObject({
    costNanos: 5,
  });
});

test("the gateway's own calls cost whom they are made for, and are nobody's calls", () => {
  const traffic = openTraffic();
  spend(traffic, startMs, "team", 5, "an embedding for the cache");
  const { tenants, models, failing } = traffic.names(startMs, startMs);
  const tally = { calls: 0, failed: 0, tokens: 7, costNanos: 5 };
  expect([tenants.named.get("team"), models.named.get("files")]).toEqual([tally, tally]);
  expect(failing.named.size).toBe(0);
});

test("what nobody serves is named in no list: its name is the caller's own", () => {
  const traffic = openTraffic();
  const context = createTestContext({
    startedAtMs: startMs,
    operation: { protocol: "llm", target: { kind: "model", name: "made-up", server: "" } },
    context: { candidate: undefined },
  });
  traffic.operation(context, { status: "failed", durationMs: 1, error: new GatewayError("not_found", "no") });
  const { models, failing, tenants } = traffic.names(startMs, startMs);
  expect([models, failing, tenants].map(({ named }) => named.size)).toEqual([0, 0, 1]);
});

test.for([0.05, 0.1, 0.7, 3, 42, 999, 60_000, 599_000])("a quantile of %d ms is a tenth off at most", (ms) => {
  const row = createRow();
  row[timePlace(ms)] = 3;
  const found = quantile(row, 0.95) ?? 0;
  if (ms > 0.1) expect(Math.abs(found / ms - 1)).toBeLessThan(0.1);
  else expect(found).toBeLessThanOrEqual(0.1);
});
