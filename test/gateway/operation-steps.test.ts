import { expect, test } from "vitest";
import type { Operation } from "../../src/core/operation.ts";
import type { GatewayContext, GatewayStep } from "../../src/gateway/compose.ts";
import { createInFlight } from "../../src/gateway/in-flight.ts";
import type { Parts } from "../../src/gateway/parts.ts";
import { admit } from "../../src/gateway/steps/admit.ts";
import { authorize } from "../../src/gateway/steps/authorize.ts";
import type { StepDefinition } from "../../src/gateway/step-definition.ts";
import { authzOf, caller, operation } from "../authz/scene.ts";

function build(definition: StepDefinition, parts: Partial<Parts>): GatewayStep {
  if (definition.per === "exchange") throw new Error("not a step of an operation");
  return definition.create(parts as Parts, "llm");
}

function contextOf(id: string, depth = 0, about: Operation = operation({ model: "any" })): GatewayContext {
  return { id, exchange: caller({}, { depth }), operation: about, candidates: [] } as unknown as GatewayContext;
}

test("an operation too many is refused, until one of those under way has ended", () => {
  const limits = { operations: 2, perPrincipal: 10, hops: 8 };
  const step = build(admit, { limits, inFlight: createInFlight() });
  const first = contextOf("a");
  void step.enter?.(first);
  void step.enter?.(contextOf("b"));
  expect(() => step.enter?.(contextOf("c"))).toThrow(expect.objectContaining({ kind: "overloaded" }));
  step.end?.(first, { status: "ok", durationMs: 1 });
  expect(() => step.enter?.(contextOf("d"))).not.toThrow();
});

test("a chain of handoffs that is too long is refused: agents that call each other in a circle come to an end", () => {
  const limits = { operations: 10, perPrincipal: 10, hops: 3 };
  const step = build(admit, { limits, inFlight: createInFlight() });
  expect(() => step.enter?.(contextOf("a", 3))).not.toThrow();
  expect(() => step.enter?.(contextOf("b", 4))).toThrow(expect.objectContaining({ kind: "denied" }));
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
