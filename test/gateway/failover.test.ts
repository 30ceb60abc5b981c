import { beforeEach, describe, expect, test } from "vitest";
import type { CandidateFailure } from "../../src/core/candidate-failure.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { Operate, OperationContext } from "../../src/core/step.ts";
import { composeJourney, type GatewayContext } from "../../src/gateway/compose.ts";
import { createFailover, type Failover } from "../../src/gateway/failover.ts";
import type { Parts } from "../../src/gateway/parts.ts";
import { plan } from "../../src/gateway/steps/plan.ts";
import { createMetrics, type Metrics } from "../../src/observability/metrics.ts";
import { createTestClock } from "../state/test-clock.ts";

const operation: Operation = {
  protocol: "llm",
  method: "chat.completions",
  direction: "to-target",
  mode: "call",
  target: { kind: "model", name: "a", server: "vllm" },
  judged: true,
  variables: {},
};

const exchange = {
  reply: { started: false, setHeader() {}, send() {}, open() {}, write() {}, end() {}, destroy() {} },
  log: silentLog,
  signal: new AbortController().signal,
} as unknown as Exchange;

let clock: ReturnType<typeof createTestClock>;
let metrics: Metrics;
let failover: Failover;
let operate: Operate;
let calls: Record<string, number>;
let down: Record<string, CandidateFailure | undefined>;
/** The context of the last operation. */
let last: OperationContext | undefined;

const sick: CandidateFailure = { reason: "server_error", health: "sick", load: true };
const told = new WeakMap<GatewayError, CandidateFailure>();

beforeEach(() => {
  clock = createTestClock();
  metrics = createMetrics();
  failover = createFailover({ clock, meter: metrics.meter, random: () => 0.5 });
  const planStep = plan.per === "exchange" ? undefined : plan.create({} as Parts, "llm");
  const relay = {
    name: "relay",
    onException: "failure" as const,
    enter: (context: GatewayContext) => context.work.relay(context, context.candidate ?? { name: "none" }),
  };
  operate = composeJourney(
    { operation: planStep === undefined ? [] : [planStep], candidate: [relay] },
    clock,
    failover,
  );
  calls = {};
  down = {};
  last = undefined;
});

/** Asks for `a`, with `b` behind it; gives who answered, or throws. */
async function ask(...names: readonly string[]): Promise<string> {
  return operate(exchange, operation, {
    plan: () => (names.length > 0 ? names : ["a", "b"]).map((name) => ({ name, upstream: `model ${name}` })),
    async relay(context, { name }) {
      last = context;
      calls[name] = (calls[name] ?? 0) + 1;
      const failure = down[name];
      if (failure === undefined) return name;
      const error = new GatewayError("upstream_unavailable", `${name} is down`);
      told.set(error, failure);
      throw error;
    },
    failure: (error) => told.get(error),
  });
}

const times = async (count: number, each: () => Promise<unknown>): Promise<void> => {
  for (let done = 0; done < count; done++) await each().catch(() => {});
};

const stateOf = async (): Promise<string | undefined> =>
  (await metrics.render()).body
    .split("\n")
    .find((line) => line.startsWith('sallyport_upstream_breaker_state{upstream="model a"}'));

describe("a model that fails", () => {
  test("is no longer asked after five failures in a row; one request finds out now and then, and once it is well all go to it", async () => {
    down["a"] = sick;
    await times(5, ask);
    expect(await stateOf()).toMatch(/ 2$/);
    expect(calls).toEqual({ a: 5, b: 5 });
    await times(100, ask);
    expect(calls).toEqual({ a: 5, b: 105 });
    expect(last?.failed).toEqual([{ name: "a", reason: "circuit_open" }]);
    expect(failover.breakers.list()).toEqual([{ upstream: "model a", state: "open", waitMs: 100 }]);
    clock.pass(100);
    await times(10, ask);
    expect(calls["a"]).toBe(6);
    delete down["a"];
    clock.pass(2_000);
    expect(await ask()).toBe("a");
    expect(await stateOf()).toMatch(/ 0$/);
    await times(10, ask);
    expect(calls["a"]).toBe(17);
    expect(failover.breakers.list()).toEqual([]);
  });

  test("is asked by one alone while it is not known to be well, and by all as soon as that one's answer begins", async () => {
    down["a"] = sick;
    await times(5, ask);
    delete down["a"];
    clock.pass(100);
    let begin = () => {};
    let finish = () => {};
    const probe = operate(exchange, operation, {
      plan: () => [{ name: "a", upstream: "model a" }],
      relay: (context) =>
        new Promise<string>((resolve) => {
          begin = () => context.answering?.();
          finish = () => resolve("a");
        }),
    });
    await Promise.resolve();
    expect(await ask()).toBe("b");
    begin();
    expect(await ask()).toBe("a");
    finish();
    expect(await probe).toBe("a");
  });

  test("is left alone for as long as it asked", async () => {
    down["a"] = { reason: "rate_limited", health: "well", load: true, retryAfterMs: 7_000 };
    expect(await ask()).toBe("b");
    delete down["a"];
    clock.pass(6_999);
    expect(await ask()).toBe("b");
    expect(last?.failed).toEqual([{ name: "a", reason: "retry_later" }]);
    clock.pass(1);
    expect(await ask()).toBe("a");
    expect(calls).toEqual({ a: 2, b: 2 });
  });
});

describe("when no candidate is left", () => {
  test("nobody is asked, and the caller is told when to come back", async () => {
    down["a"] = { reason: "rate_limited", health: "well", load: true, retryAfterMs: 30_000 };
    await times(1, () => ask("a"));
    await expect(ask("a")).rejects.toMatchObject({
      kind: "rate_limited",
      headers: { "retry-after": "30", "retry-after-ms": "30000", "x-should-retry": "true" },
    });
    expect(calls).toEqual({ a: 1 });
    down["b"] = { ...sick, retryAfterMs: 30_000 };
    await times(1, () => ask("b"));
    await expect(ask("b")).rejects.toMatchObject({ kind: "upstream_unavailable", headers: { "retry-after": "30" } });
  });

  test("the last failure is told, with the shortest known wait, and that the gateway has tried it all", async () => {
    down = { a: { ...sick, retryAfterMs: 30_000 }, b: sick };
    await times(1, ask);
    const error = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: "b is down", headers: { "retry-after": "30", "x-should-retry": "false" } });
  });

  test("that nobody could be reached is no reason to try it all again at once either", async () => {
    down = { a: { ...sick, reason: "unreachable", load: false }, b: { ...sick, reason: "unreachable", load: false } };
    const error = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: "b is down", headers: { "x-should-retry": "false" } });
  });

  test("a single model's failure is told as it is: nothing was tried again", async () => {
    down["a"] = sick;
    const error = await ask("a").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: "a is down", headers: {} });
  });
});

describe("attempts after the first", () => {
  const operations = 1_000;
  /** Two of five calls fail, too few for a circuit breaker; how many callers were answered. */
  async function askWhile(failing: readonly string[]): Promise<number> {
    let answered = 0;
    for (let count = 0; count < operations; count++) {
      /* The second is asked when it fails alone: its breaker is not what is tried here. */
      for (const name of failing)
        down[name] = count % 5 < 2 ? { ...sick, health: name === "a" ? "sick" : "unknown" } : undefined;
      await ask().then(
        () => answered++,
        () => {},
      );
    }
    return answered;
  }

  test("are as many as it takes, where they are answered", async () => {
    expect(await askWhile(["a"])).toBe(operations);
    expect([calls["a"], calls["b"]]).toEqual([operations, 400]);
  });

  test("are a fifth of the calls at most, where they are in vain", async () => {
    expect(await askWhile(["a", "b"])).toBe(600);
    expect([calls["a"], calls["b"]]).toEqual([operations, 199]);
    const { body } = await metrics.render();
    expect(body).toContain('sallyport_fallbacks_total{model="a",reason="server_error"} 199');
    expect(body).toContain('sallyport_fallbacks_over_budget_total{model="a"} 201');
  });

  test("are counted only where the one before was work for somebody", async () => {
    for (const failure of [
      { reason: "context_too_long", health: "well", load: false },
      { reason: "unreachable", health: "unknown", load: false },
    ] as const) {
      down["a"] = failure;
      for (let count = 0; count < 100; count++) expect(await ask()).toBe("b");
    }
    expect(calls["a"]).toBe(200);
  });

  test("no longer count once their answer begins, however long it takes", async () => {
    const underWay: Promise<unknown>[] = [];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const start = () =>
      operate(exchange, operation, {
        plan: () => [{ name: "a" }, { name: "b" }],
        async relay(context, { name }) {
          if (name === "a") throw new GatewayError("upstream_unavailable", "a is down");
          context.answering?.();
          await finished;
          return name;
        },
        failure: () => sick,
      });
    for (let count = 0; count < 30; count++) underWay.push(start());
    finish();
    expect(await Promise.all(underWay)).toEqual(Array.from({ length: 30 }, () => "b"));
  });

  test("are not made once something of an answer has been shown", async () => {
    const asked: string[] = [];
    const shown = operate({ ...exchange, reply: { ...exchange.reply, started: true } }, operation, {
      plan: () => [{ name: "a" }, { name: "b" }],
      async relay(_, { name }) {
        asked.push(name);
        throw new GatewayError("upstream_truncated", `${name} broke off`);
      },
      failure: () => sick,
    });
    await expect(shown).rejects.toThrow("a broke off");
    expect(asked).toEqual(["a"]);
  });

  test("begin with the edits of the operation, and not with those of the attempt before", async () => {
    const seen: number[] = [];
    await operate(exchange, operation, {
      plan: () => [{ name: "a" }, { name: "b" }],
      async relay(context, { name }) {
        seen.push(context.edits.length);
        context.edits = [...context.edits, { path: ["max_tokens"], json: "1" }];
        context.usage = { inputTokens: 1 };
        if (name === "b") return expect(context.upstreamStatus).toBeUndefined();
        context.upstreamStatus = 500;
        throw new GatewayError("upstream_unavailable", "down");
      },
      failure: () => sick,
    });
    expect(seen).toEqual([0, 0]);
  });
});
