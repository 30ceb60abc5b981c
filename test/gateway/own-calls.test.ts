import { describe, expect, test } from "vitest";
import { createCounterUses } from "../../src/budgets/spend/counter-uses.ts";
import { createBudgets } from "../../src/budgets/budgets.ts";
import { budgetsConfig } from "../../src/budgets/config.ts";
import { createLocalLedger } from "../../src/budgets/ledger/local-ledger.ts";
import { ChainAccount } from "../../src/budgets/chains/chain-account.ts";
import { createTokenCounter } from "../../src/budgets/token-count.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { GatewayContext, GatewayStep } from "../../src/gateway/compose.ts";
import { createInFlight } from "../../src/gateway/in-flight.ts";
import { LiveChain } from "../../src/gateway/live-chain.ts";
import { createLoops } from "../../src/gateway/loops.ts";
import type { Parts } from "../../src/gateway/parts.ts";
import { admit } from "../../src/gateway/steps/admit.ts";
import { authorize } from "../../src/gateway/steps/authorize.ts";
import { watch } from "../../src/gateway/steps/watch.ts";
import type { StepDefinition } from "../../src/gateway/step-definition.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { authzOf, operation } from "../authz/scene.ts";
import { createSetClock } from "../budgets/ledger/ledgers.ts";
import { longLease } from "../budgets/ledger/terms.ts";
import { createTestContext } from "../observability/test-context.ts";

const clock = createSetClock();
const { meter } = createMetrics();
const asked: Operation = { ...operation({ model: "small" }), demand: { inputBytes: 100, maxOutputTokens: 0 } };
const own: Operation = { ...asked, judged: false, own: "an embedding for the cache" };

function build(definition: StepDefinition, parts: Partial<Parts>): GatewayStep {
  if (definition.per === "exchange") throw new Error("not a step of an operation");
  return definition.create(parts as Parts, "llm");
}

const contextOf = (about: Operation, chain = new LiveChain(new ChainAccount("c"), "ann", 0, [])): GatewayContext => {
  const context = createTestContext({ operation: about });
  return { ...context, exchange: { ...context.exchange, chain } } as unknown as GatewayContext;
};

describe("a call of the gateway's own", () => {
  test("takes no place of its caller's among the calls in flight", () => {
    const limits = { operations: 1, perPrincipal: 1, hops: 8, loops: "refuse" as const };
    const step = build(admit, { limits, inFlight: createInFlight(), loops: createLoops(new Map()), meter });
    void step.enter?.(contextOf(asked));
    expect(() => step.enter?.(contextOf(asked))).toThrow(expect.objectContaining({ kind: "overloaded" }));
    const context = contextOf(own);
    expect(() => step.enter?.(context)).not.toThrow();
    step.end?.(context, { status: "ok", durationMs: 1 });
    expect(() => step.enter?.(contextOf(asked))).toThrow(expect.objectContaining({ kind: "overloaded" }));
  });

  test("is judged by no policy of its caller's, and the journal says whose it is", () => {
    const step = build(authorize, { authz: authzOf({ name: "no models", on: "llm", deny: "true" }) });
    const context = contextOf(own);
    expect(() => step.enter?.(context)).not.toThrow();
    expect(context.decision).toEqual({ allow: true, rule: "the gateway's own" });
  });

  test("costs its chain money, and is no operation of it", () => {
    const noted: [number, number][] = [];
    const accounts = { add: (_: ChainAccount, calls: number, nanos: number) => void noted.push([calls, nanos]) };
    const step = build(watch, {
      accounts: accounts as unknown as Parts["accounts"],
      runawayConfig: { action: "off" } as Parts["runawayConfig"],
      runaway: undefined,
      clock,
      meter,
    });
    const context = contextOf(own);
    void step.enter?.(context);
    expect(context.exchange.chain.helped).toBe(true);
    context.costNanos = 7;
    step.end?.(context, { status: "ok", durationMs: 1 });
    expect(noted).toEqual([[0, 7]]);
  });

  test("is charged to its caller in tokens and money, and counts as no request", async () => {
    const config = budgetsConfig.budgets.parse([
      { name: "calls", per: "principal", limits: ["1 request/month", "1 concurrent call"] },
      { name: "tokens", per: "principal", limits: ["150 tokens/month"] },
    ]);
    const ledger = createLocalLedger({ clock, lease: longLease });
    const counter = createTokenCounter();
    const { reserve } = createBudgets({
      config,
      ledger,
      counter,
      uses: createCounterUses(clock),
      clock,
      log: silentLog,
      meter,
    });
    const first = await reserve(contextOf(own));
    const call = await reserve(contextOf({ ...asked, demand: { inputBytes: 10, maxOutputTokens: 0 } }));
    expect([first.edit, call.edit]).toEqual([undefined, undefined]);
    await expect(async () => reserve(contextOf(own))).rejects.toThrow("The budget tokens (150 tokens/month)");
    await counter.close();
  });

  test("and the call it is made for are one chain to a budget of chains", async () => {
    const config = budgetsConfig.budgets.parse([{ name: "each", per: "chain", limits: ["150 tokens"] }]);
    const ledger = createLocalLedger({ clock, lease: longLease });
    const counter = createTokenCounter();
    const { reserve } = createBudgets({
      config,
      ledger,
      counter,
      uses: createCounterUses(clock),
      clock,
      log: silentLog,
      meter,
    });
    const chain = new LiveChain(new ChainAccount("one"), "ann", 0, []);
    chain.account.helped = true; // as the step `watch` notes it
    await reserve(contextOf(own, chain));
    const body = async () => ({ value: {}, bytes: Buffer.from("{}") });
    const context = contextOf(asked, chain);
    const late = { ...context, exchange: { ...context.exchange, chain, body } };
    await expect(async () => reserve(late)).rejects.toThrow("The budget each (150 tokens)");
    await expect(
      Promise.resolve(reserve(contextOf(asked, new LiveChain(new ChainAccount("two"), "ann", 0, [])))),
    ).resolves.toBeDefined();
    await counter.close();
  });
});
