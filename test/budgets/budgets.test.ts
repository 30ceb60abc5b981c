import { expect, test } from "vitest";
import { compileBudget } from "../../src/budgets/budget.ts";
import { createCounterUses } from "../../src/budgets/spend/counter-uses.ts";
import { createBudgets } from "../../src/budgets/budgets.ts";
import { budgetsConfig } from "../../src/budgets/config.ts";
import type { Ledger } from "../../src/budgets/ledger/ledger.ts";
import { createLocalLedger } from "../../src/budgets/ledger/local-ledger.ts";
import { createTokenCounter } from "../../src/budgets/token-count.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Protocol, Target } from "../../src/core/operation.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { createTestContext } from "../observability/test-context.ts";
import { createSetClock, storeLedger } from "./ledger/ledgers.ts";
import { longLease } from "./ledger/terms.ts";

const clock = createSetClock();
const { meter } = createMetrics();

function budgetsOver(ledger: Ledger, list: readonly object[], counter = createTokenCounter()) {
  const config = budgetsConfig.budgets.parse(list);
  return createBudgets({ config, ledger, counter, uses: createCounterUses(clock), clock, log: silentLog, meter });
}

test("what one attempt has used is booked for it alone, also when the store takes it only after the next has been reserved", async () => {
  const store = createMemoryStore({ clock, log: silentLog });
  let isAway = true;
  const ledger = storeLedger({
    ...store,
    run: (script, keys, args) =>
      isAway && args[0] === "settle" ? Promise.reject(new Error("away")) : store.run(script, keys, args),
  });
  const { reserve } = budgetsOver(ledger, [{ name: "sum", limits: ["10 requests/month"] }]);
  const context = createTestContext({ context: { candidates: [{ name: "first" }, { name: "second" }] } });
  const term = { key: "sum\0requests/month/\0", group: "", window: "month", limit: 10, idleMs: undefined } as const;
  const used = async () => (await ledger.read([term])).used[0];

  const first = await reserve(context);
  first.settle(context, { status: "failed", durationMs: 1 });
  const second = await reserve(context);
  expect(await used()).toBe(2);
  isAway = false;
  second.settle(context, { status: "ok", durationMs: 1 });
  await ledger.close();
  expect(await used()).toBe(2);
  await store.close();
});

test("a tool that refuses a call is paid nothing for it, and one that has tried and failed is", async () => {
  const { reserve } = budgetsOver(createLocalLedger({ clock, lease: longLease }), []);
  const candidate = { name: "files", price: { perInputToken: 0, perOutputToken: 0, perCall: 5 } };
  const costOf = async (complaint: "refused" | "failed" | undefined) => {
    const context = createTestContext({ context: { candidate, complaint } });
    const reservation = await reserve(context);
    reservation.sent = true;
    return reservation.settle(context, { status: "ok", durationMs: 1 }).costNanos;
  };
  expect([await costOf("refused"), await costOf("failed"), await costOf(undefined)]).toEqual([0, 5, 5]);
});

test("tokens are counted only where that could make room: a budget that is used up says so at once", async () => {
  let counted = 0;
  const counter = { count: async () => (counted += 1) && 100, close: async () => {} };
  const { reserve } = budgetsOver(
    createLocalLedger({ clock, lease: longLease }),
    [{ name: "sum", limits: ["900 tokens/month"] }],
    counter,
  );
  const call = (inputBytes: number) => {
    const context = createTestContext({ operation: { protocol: "llm", demand: { inputBytes, maxOutputTokens: 100 } } });
    const body = async () => ({ value: {}, bytes: Buffer.from("{}") });
    return createTestContext({
      operation: context.operation,
      context: { exchange: { ...context.exchange, body } },
    });
  };
  await reserve(call(500));
  expect(counted).toBe(0);
  await reserve(call(500));
  expect(counted).toBe(1);
  await expect(async () => reserve(call(500))).rejects.toThrow(
    "has 1 token left, and this call needs room for 600 tokens",
  );
  expect(counted).toBe(1);
});

test("what a chain has used is kept for a week where others may be part of it, and for an hour where it is one request", () => {
  const [config] = budgetsConfig.budgets.parse([{ name: "each", per: "chain", limits: ["200 calls"] }]);
  const { linesOf } = compileBudget(config!);
  const idleHours = (id: string, alone: boolean, protocol: Protocol) => {
    const { exchange, operation } = createTestContext();
    const asked = { exchange: { ...exchange, chain: { ...exchange.chain, id, alone } }, candidate: undefined };
    return linesOf({ ...asked, operation: { ...operation, protocol } }).map(
      ({ term }) => (term.idleMs ?? 0) / 3_600_000,
    );
  };
  expect(idleHours("a tool's", true, "mcp")).toEqual([1]);
  expect(idleHours("a model's", true, "llm")).toEqual([1]);
  expect(idleHours("a task's", true, "a2a")).toEqual([168]);
  expect(idleHours("a run's", false, "mcp")).toEqual([168]);
});

test("`per: model` counts models, and `per: tool` counts tools and agents by name and resources by their server", () => {
  const { exchange, operation } = createTestContext();
  const keyOf = (per: string, protocol: Protocol, target: Partial<Target>, candidate: string): string | undefined => {
    const [config] = budgetsConfig.budgets.parse([{ name: "each", per, limits: ["1 call"] }]);
    const about = { ...operation, protocol, target: { ...operation.target, ...target } };
    const [line] = compileBudget(config!).linesOf({ exchange, operation: about, candidate: { name: candidate } });
    return line?.term.key.split("\0").at(-1);
  };
  const model = { kind: "model", name: "gpt-4o", server: "" } as const;
  expect(keyOf("model", "llm", model, "claude")).toBe("claude");
  expect(keyOf("model", "mcp", {}, "files")).toBeUndefined();
  expect(keyOf("tool", "llm", model, "claude")).toBeUndefined();
  expect(keyOf("tool", "mcp", {}, "files")).toBe("files/read_file");
  expect(keyOf("tool", "mcp", { kind: "resource", name: "file:///a" }, "files")).toBe("files");
  expect(keyOf("tool", "a2a", { kind: "agent", name: "writer", server: "writer" }, "writer")).toBe("writer");
});
