import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Operation, Protocol } from "../../src/core/operation.ts";
import { guardrailsConfig } from "../../src/guardrails/config.ts";
import { createGuardrails } from "../../src/guardrails/guardrails.ts";

const schema = z.strictObject(guardrailsConfig);
const build = (config: unknown) => createGuardrails({ config: schema.parse({ guardrails: config }).guardrails });

const operation = (protocol: Protocol): { operation: Operation } => ({
  operation: {
    protocol,
    method: "test",
    direction: "to-target",
    mode: "call",
    target: { kind: "none", name: "", server: "" },
    judged: true,
    variables: {},
  },
});

describe("guardrails", () => {
  test("let everything pass when there are none", () => {
    const guardrails = createGuardrails({ config: schema.parse({}).guardrails });
    expect(guardrails.guards("llm")).toBe(false);
    expect(guardrails.input(operation("llm"), ["x".repeat(1e6)])).toEqual({ pass: true });
  });

  test("max-length counts all texts together and rejects with its own message", () => {
    const guardrails = build([{ type: "max-length", max: 10, message: "Too much." }]);
    expect(guardrails.input(operation("mcp"), ["12345", "67890"])).toEqual({ pass: true });
    expect(guardrails.input(operation("mcp"), ["12345", "678901"])).toEqual({
      pass: false,
      guard: "max-length",
      message: "Too much.",
    });
  });

  test("guard only the protocols they name", () => {
    const guardrails = build([{ type: "max-length", max: 1, on: ["llm"] }]);
    expect(guardrails.guards("llm")).toBe(true);
    expect(guardrails.guards("a2a")).toBe(false);
    expect(guardrails.input(operation("a2a"), ["long"]).pass).toBe(true);
    expect(guardrails.input(operation("llm"), ["long"]).pass).toBe(false);
  });

  test("decide by the first that rejects", () => {
    const guardrails = build([
      { type: "max-length", max: 100, message: "first" },
      { type: "max-length", max: 3, message: "second" },
      { type: "max-length", max: 1, message: "third" },
    ]);
    expect(guardrails.input(operation("llm"), ["four"])).toMatchObject({ message: "second" });
  });

  test.each([
    { type: "max-lenght", max: 1 },
    { type: "max-length", maximum: 1 },
    { type: "max-length", max: 1, on: ["http"] },
    { type: "max-length", max: 0 },
  ])("refuse at load what is no guard: %j", (entry) => {
    expect(schema.safeParse({ guardrails: [entry] }).success).toBe(false);
  });
});
