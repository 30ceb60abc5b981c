import { expect, test } from "vitest";
import type { Operation } from "../../src/core/operation.ts";
import type { GatewayContext, GatewayStep } from "../../src/gateway/compose.ts";
import { createInFlight } from "../../src/gateway/in-flight.ts";
import { createLoops } from "../../src/gateway/loops.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import type { Parts } from "../../src/gateway/parts.ts";
import { admit } from "../../src/gateway/steps/admit.ts";
import { authorize } from "../../src/gateway/steps/authorize.ts";
import type { StepDefinition } from "../../src/gateway/step-definition.ts";
import { authzOf, caller, operation } from "../authz/scene.ts";

const { meter } = createMetrics();
const loops = createLoops(new Map());

function build(definition: StepDefinition, parts: Partial<Parts>): GatewayStep {
  if (definition.per === "exchange") throw new Error("not a step of an operation");
  return definition.create(parts as Parts, "llm");
}

function contextOf(id: string, depth = 0, about: Operation = operation({ model: "any" })): GatewayContext {
  return { id, exchange: caller({}, { depth }), operation: about, candidates: [] } as unknown as GatewayContext;
}

test("an operation too many is refused, until one of those under way has ended", () => {
  const limits = { operations: 2, perPrincipal: 10, hops: 8, loops: "refuse" as const };
  const step = build(admit, { limits, inFlight: createInFlight(), loops, meter });
  const first = contextOf("a");
  void step.enter?.(first);
  void step.enter?.(contextOf("b"));
  expect(() => step.enter?.(contextOf("c"))).toThrow(expect.objectContaining({ kind: "overloaded" }));
  step.end?.(first, { status: "ok", durationMs: 1 });
  expect(() => step.enter?.(contextOf("d"))).not.toThrow();
});

test("a chain of handoffs that is too long is refused: agents that call each other in a circle come to an end", () => {
  const limits = { operations: 10, perPrincipal: 10, hops: 3, loops: "refuse" as const };
  const step = build(admit, { limits, inFlight: createInFlight(), loops, meter });
  expect(() => step.enter?.(contextOf("a", 3))).not.toThrow();
  expect(() => step.enter?.(contextOf("b", 4))).toThrow(expect.objectContaining({ kind: "denied" }));
});

test("work handed in a circle is refused before anything is called, unless circles are wanted", () => {
  const circular = createLoops(new Map([["left-client", ["left"]]]));
  const to = (agent: string) => ({
    ...contextOf("a", 0, operation({ agent })),
    exchange: caller({ client: "left-client" }, { depth: 1, path: ["left"] }),
  });
  const limits = { operations: 10, perPrincipal: 10, hops: 8, loops: "refuse" as const };
  const step = build(admit, { limits, inFlight: createInFlight(), loops: circular, meter });
  const refused = to("left") as unknown as GatewayContext;
  expect(() => step.enter?.(refused)).toThrow(
    expect.objectContaining({ kind: "denied", data: { refusal: "loop", agent: "left", path: ["left", "left"] } }),
  );
  expect(refused.decision).toMatchObject({ allow: false, rule: "no loops" });
  expect(refused.admitted).toBeUndefined();
  expect(() => step.enter?.(to("right") as unknown as GatewayContext)).not.toThrow();
  const open = build(admit, {
    limits: { ...limits, loops: "allow" },
    inFlight: createInFlight(),
    loops: circular,
    meter,
  });
  expect(() => open.enter?.(to("left") as unknown as GatewayContext)).not.toThrow();
});

test("candidates that policy denies are dropped, and the operation is refused when none is left", () => {
  const authz = authzOf(
    { name: "models", on: "llm", allow: "true" },
    { name: "not there", on: "llm", deny: 'llm.provider == "elsewhere"' },
  );
  const step = build(authorize, { authz });
  const at = (provider: string) => ({ name: provider, variables: operation({ model: "any", provider }).variables });
  const some = { ...contextOf("a"), candidates: [at("elsewhere"), at("here")] };
  void step.enter?.(some);
  expect(some.candidates.map(({ name }) => name)).toEqual(["here"]);
  const none = { ...contextOf("b"), candidates: [at("elsewhere")] };
  expect(() => step.enter?.(none)).toThrow(expect.objectContaining({ kind: "denied" }));
  expect(none.decision).toMatchObject({ allow: false, rule: "not there" });
});
