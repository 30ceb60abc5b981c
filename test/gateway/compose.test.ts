import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { GatewayError, type ErrorKind } from "../../src/core/errors.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Candidate, Operation } from "../../src/core/operation.ts";
import type { Outcome, Work } from "../../src/core/step.ts";
import { composeJourney, type GatewayStep, type Journey } from "../../src/gateway/compose.ts";
import { createFailover } from "../../src/gateway/failover.ts";
import { plan } from "../../src/gateway/steps/plan.ts";
import { relay } from "../../src/gateway/steps/relay.ts";
import type { StepDefinition } from "../../src/gateway/step-definition.ts";
import type { Parts } from "../../src/gateway/parts.ts";
import { markUnsent } from "../../src/http/upstream-errors.ts";
import { createMetrics } from "../../src/observability/metrics.ts";

const failover = createFailover({ clock: systemClock, meter: createMetrics().meter });

const operation: Operation = {
  protocol: "mcp",
  method: "tools/call",
  direction: "to-target",
  mode: "call",
  target: { kind: "tool", name: "read_file", server: "files" },
  judged: true,
  variables: {},
};

function exchange(started = false): Exchange {
  const reply = { started, setHeader() {}, send() {}, open() {}, write() {}, end() {}, destroy() {} };
  return { reply, log: silentLog, signal: new AbortController().signal } as unknown as Exchange;
}

function build(definition: StepDefinition): GatewayStep {
  if (definition.per === "exchange") throw new Error("not a step of an operation");
  return definition.create({} as Parts, "mcp");
}

/** Steps that note every entry and every end, around the real `plan` and `relay`. */
function journeyWith(...extra: GatewayStep[]): { journey: Journey; entered: string[]; ended: [string, Outcome][] } {
  const entered: string[] = [];
  const ended: [string, Outcome][] = [];
  const noted = (step: GatewayStep): GatewayStep => ({
    ...step,
    enter(context) {
      entered.push(step.name);
      return step.enter?.(context);
    },
    end(context, outcome) {
      ended.push([step.name, outcome]);
      step.end?.(context, outcome);
    },
  });
  const journey = {
    operation: [noted({ name: "first" }), noted(build(plan)), ...extra.map(noted), noted({ name: "last" })],
    candidate: [noted({ name: "reserve" }), noted(build(relay))],
  };
  return { journey, entered, ended };
}

function work(relayed: (candidate: Candidate) => Promise<string>, ...names: string[]): Work<string> {
  const candidates = (names.length > 0 ? names : ["only"]).map((name) => ({ name }));
  return {
    plan: () => candidates,
    relay: (_context, candidate) => relayed(candidate),
    failure: ({ kind }) =>
      kind === "upstream_unavailable" ? { reason: "unreachable", health: "sick", load: true } : undefined,
  };
}

function counts(ended: readonly [string, Outcome][]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const [name] of ended) result[name] = (result[name] ?? 0) + 1;
  return result;
}

describe("every entered step ends exactly once", () => {
  test("on success, in reverse order", async () => {
    const { journey, ended } = journeyWith();
    const operate = composeJourney(journey, systemClock, failover);
    expect(
      await operate(
        exchange(),
        operation,
        work(async () => "answer"),
      ),
    ).toBe("answer");
    expect(ended.map(([name]) => name)).toEqual(["relay", "reserve", "last", "plan", "first"]);
    expect(ended.every(([, outcome]) => outcome.status === "ok")).toBe(true);
  });

  test("on denial, and the steps behind it are never entered", async () => {
    const refuses = {
      name: "authorize",
      enter() {
        throw new GatewayError("denied", "no");
      },
    };
    const { journey, entered, ended } = journeyWith(refuses);
    const operate = composeJourney(journey, systemClock, failover);
    await expect(
      operate(
        exchange(),
        operation,
        work(async () => "answer"),
      ),
    ).rejects.toMatchObject({ kind: "denied" });
    expect(entered).toEqual(["first", "plan", "authorize"]);
    expect(counts(ended)).toEqual({ first: 1, plan: 1, authorize: 1 });
    expect(ended.every(([, outcome]) => outcome.status === "denied")).toBe(true);
  });

  test("on an exception inside a check, which is a denial that shows nothing of it", async () => {
    const breaks = {
      name: "authorize",
      enter() {
        throw new TypeError("secret detail");
      },
    };
    const { journey, ended } = journeyWith(breaks);
    const operate = composeJourney(journey, systemClock, failover);
    const thrown = await operate(
      exchange(),
      operation,
      work(async () => "answer"),
    ).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ kind: "denied" });
    expect(String(thrown)).not.toContain("secret detail");
    expect(counts(ended)).toEqual({ first: 1, plan: 1, authorize: 1 });
  });

  test.for<[ErrorKind, Outcome["status"]]>([
    ["cancelled", "aborted"],
    ["draining", "drained"],
  ])("when the exchange ends midway with %s", async ([kind, status]) => {
    const { journey, ended } = journeyWith();
    const operate = composeJourney(journey, systemClock, failover);
    const controller = new AbortController();
    const hangs = () =>
      new Promise<string>((_resolve, reject) => {
        controller.signal.addEventListener("abort", () => reject(new Error("socket hang up")));
        queueMicrotask(() => controller.abort(new GatewayError(kind, "gone")));
      });
    await expect(operate(exchange(), operation, work(hangs), controller.signal)).rejects.toMatchObject({ kind });
    expect(counts(ended)).toEqual({ relay: 1, reserve: 1, last: 1, plan: 1, first: 1 });
    expect(ended.every(([, outcome]) => outcome.status === status)).toBe(true);
  });

  const breaks = (): never => {
    throw new TypeError("not a function");
  };
  const candidates = () => [{ name: "only" }];

  test.for<[string, Work<string>, string[]]>([
    ["plan, at once", { plan: breaks, relay: async () => "" }, ["plan", "first"]],
    ["plan, later", { plan: async () => breaks(), relay: async () => "" }, ["plan", "first"]],
    ["relay, at once", { plan: candidates, relay: breaks }, ["relay", "reserve", "last", "plan", "first"]],
    ["relay, later", { plan: candidates, relay: async () => breaks() }, ["relay", "reserve", "last", "plan", "first"]],
  ])("on an exception inside %s, which is the gateway's failure and no denial", async ([, broken, names]) => {
    const { journey, ended } = journeyWith();
    await expect(composeJourney(journey, systemClock, failover)(exchange(), operation, broken)).rejects.toMatchObject({
      kind: "internal",
      cause: expect.any(TypeError),
    });
    expect(ended.map(([name]) => name)).toEqual(names);
    expect(ended.every(([, outcome]) => outcome.status === "failed")).toBe(true);
  });

  test("when a step that waited is followed by one that throws at once", async () => {
    const waits = { name: "waits", enter: () => new Promise<void>((resolve) => setImmediate(resolve)) };
    const refuses = {
      name: "refuses",
      enter() {
        throw new GatewayError("overloaded", "no room");
      },
    };
    const { journey, entered, ended } = journeyWith(waits, refuses);
    await expect(
      composeJourney(journey, systemClock, failover)(
        exchange(),
        operation,
        work(async () => "answer"),
      ),
    ).rejects.toMatchObject({ kind: "overloaded" });
    expect(entered).toEqual(["first", "plan", "waits", "refuses"]);
    expect(ended.map(([name]) => name)).toEqual(entered.toReversed());
  });

  test("and nothing of an earlier step is taken for the answer", async () => {
    const { journey } = journeyWith({ name: "chatty", enter: async () => "not the answer" });
    const answer = await composeJourney(journey, systemClock, failover)(exchange(), operation, {
      plan: candidates,
      relay: async () => undefined,
    });
    expect(answer).toBeUndefined();
  });

  test("also when another step fails to end", async () => {
    const cannotEnd = {
      name: "broken",
      end() {
        throw new Error("cannot end");
      },
    };
    const { journey, ended } = journeyWith(cannotEnd);
    await composeJourney(journey, systemClock, failover)(
      exchange(),
      operation,
      work(async () => "answer"),
    );
    expect(counts(ended)).toEqual({ relay: 1, reserve: 1, last: 1, broken: 1, plan: 1, first: 1 });
  });
});

describe("candidates", () => {
  const unavailable = () => new GatewayError("upstream_unavailable", "down");

  test("the next one is tried when an upstream is down, each entered and ended for itself", async () => {
    const { journey, ended } = journeyWith();
    const tried: string[] = [];
    const answer = await composeJourney(journey, systemClock, failover)(
      exchange(),
      operation,
      work(
        async ({ name }) => {
          tried.push(name);
          if (name === "a") throw unavailable();
          return name;
        },
        "a",
        "b",
      ),
    );
    expect(answer).toBe("b");
    expect(tried).toEqual(["a", "b"]);
    expect(ended.map(([name, { status }]) => `${name} ${status}`)).toEqual([
      "relay failed",
      "reserve failed",
      "relay ok",
      "reserve ok",
      "last ok",
      "plan ok",
      "first ok",
    ]);
  });

  test("nothing is retried once a byte has reached the client", async () => {
    const { journey } = journeyWith();
    const tried: string[] = [];
    const run = composeJourney(journey, systemClock, failover)(
      exchange(true),
      operation,
      work(
        async ({ name }) => {
          tried.push(name);
          throw unavailable();
        },
        "a",
        "b",
      ),
    );
    await expect(run).rejects.toMatchObject({ kind: "upstream_unavailable" });
    expect(tried).toEqual(["a"]);
  });

  test("what may have been sent is not sent to another, where the protocol does not say that it may", async () => {
    const { journey } = journeyWith();
    const tried: string[] = [];
    const { plan: planned, relay: relayed } = work(
      async ({ name }) => {
        tried.push(name);
        throw tried.length === 1 ? markUnsent(unavailable()) : unavailable();
      },
      "a",
      "b",
      "c",
    );
    const run = composeJourney(journey, systemClock, failover)(exchange(), operation, {
      plan: planned,
      relay: relayed,
    });
    await expect(run).rejects.toMatchObject({ kind: "upstream_unavailable" });
    expect(tried).toEqual(["a", "b"]);
  });

  test("a failure that another upstream cannot mend is not tried again", async () => {
    const { journey } = journeyWith();
    const tried: string[] = [];
    const run = composeJourney(journey, systemClock, failover)(
      exchange(),
      operation,
      work(
        async ({ name }) => {
          tried.push(name);
          throw new GatewayError("invalid_params", "bad");
        },
        "a",
        "b",
      ),
    );
    await expect(run).rejects.toMatchObject({ kind: "invalid_params" });
    expect(tried).toEqual(["a"]);
  });
});

test("answers pass the steps in reverse", async () => {
  const mark = (name: string): GatewayStep => ({
    name,
    answer: (_context, event) => ({ ...event, bytes: Buffer.concat([event.bytes, Buffer.from(name)]) }),
  });
  const journey = { operation: [mark("a"), build(plan), mark("b")], candidate: [build(relay)] };
  const result = await composeJourney(journey, systemClock, failover)(exchange(), operation, {
    plan: () => [{ name: "only" }],
    relay: async (context) =>
      (await context.answer?.({ value: 1, bytes: Buffer.from("-"), last: true }))?.[0]?.bytes.toString(),
  });
  expect(result).toBe("-ba");
});
