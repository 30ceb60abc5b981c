import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkGuards } from "../../src/guardrails/config.ts";
import type { GuardDeps } from "../../src/guardrails/guard.ts";
import { buildGuardrails, createDeps, guardrailsSchema, requestOf } from "./guard-scene.ts";

let deps: GuardDeps & { close(): Promise<void> };
beforeAll(() => {
  deps = createDeps();
});
afterAll(() => deps.close());

const build = (entries: unknown) => buildGuardrails(entries, deps);

test("a guard without a pattern is refused at load, with what to write", () => {
  const { guardrails } = guardrailsSchema.parse({
    guardrails: [
      { type: "pattern", mask: ["a"] },
      { type: "pattern", direction: "both" },
    ],
  });
  expect(checkGuards({ guardrails })).toEqual([
    { path: ["guardrails", 1], message: "has no pattern: say in `reject` or `mask` what to look for" },
  ]);
});

describe("guardrails", () => {
  test("let everything pass when there are none", async () => {
    const guardrails = build([]);
    expect([guardrails.guardsRequests("llm"), guardrails.guardsAnswers("llm")]).toEqual([false, false]);
    expect(await guardrails.input(requestOf("llm", "x".repeat(1e6)))).toEqual({ pass: true });
  });

  test("max-length counts all texts together and rejects with its own message", async () => {
    const guardrails = build([{ type: "max-length", max: 10, message: "Too much." }]);
    expect(await guardrails.input(requestOf("mcp", "12345", "67890"))).toEqual({ pass: true });
    expect(await guardrails.input(requestOf("mcp", "12345", "678901"))).toEqual({
      pass: false,
      guard: "max-length",
      message: "Too much.",
    });
  });

  test("guard only the protocols they name", async () => {
    const guardrails = build([{ type: "max-length", max: 1, on: ["llm"] }]);
    expect(guardrails.guardsRequests("llm")).toBe(true);
    expect(guardrails.guardsRequests("a2a")).toBe(false);
    expect((await guardrails.input(requestOf("a2a", "long"))).pass).toBe(true);
    expect((await guardrails.input(requestOf("llm", "long"))).pass).toBe(false);
  });

  test("guard all protocols where they name none, but for pii, which guards models: a tool does its work with the value", async () => {
    const guarded = (entry: object) => {
      const guardrails = build([entry]);
      return (["llm", "mcp", "a2a"] as const).filter((protocol) => guardrails.guardsRequests(protocol));
    };
    expect(guarded({ type: "max-length", max: 1 })).toEqual(["llm", "mcp", "a2a"]);
    expect(guarded({ type: "pattern", reject: ["x"] })).toEqual(["llm", "mcp", "a2a"]);
    expect(guarded({ type: "pii", mask: ["email"] })).toEqual(["llm"]);
    expect(guarded({ type: "pii", mask: ["email"], on: ["mcp", "a2a"] })).toEqual(["mcp", "a2a"]);
  });

  test("hold for what their condition says, and not for protocols that have not what it reads", async () => {
    const guardrails = build([
      { type: "max-length", max: 1, where: 'llm.model == "m"' },
      { type: "max-length", max: 3, where: 'request.route == "/mcp"', on: ["mcp"] },
    ]);
    const holds = (protocol: "llm" | "mcp", path: string, model = "") => {
      const request = requestOf(protocol, "four");
      const variables = { llm: { model } as never };
      return guardrails.holdFor({ ...request, route: { path }, operation: { ...request.operation, variables } });
    };
    expect([holds("llm", "/v1", "m"), holds("llm", "/v1"), holds("mcp", "/mcp"), holds("mcp", "/v1", "m")]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("decide by the first that rejects", async () => {
    const guardrails = build([
      { type: "max-length", max: 100, message: "first" },
      { type: "max-length", max: 3, message: "second" },
      { type: "max-length", max: 1, message: "third" },
    ]);
    expect(await guardrails.input(requestOf("llm", "four"))).toMatchObject({ message: "second" });
  });

  test.each([
    { type: "max-lenght", max: 1 },
    { type: "max-length", maximum: 1 },
    { type: "max-length", max: 1, on: ["http"] },
    { type: "max-length", max: 0 },
    { type: "max-length", max: 1, status: 199 },
    { type: "max-length", max: 1, where: "request.rout == 'x'" },
    { type: "max-length", max: 1, where: "request.route" },
  ])("refuse at load what is no guard: %j", (entry) => {
    expect(guardrailsSchema.safeParse({ guardrails: [entry] }).success).toBe(false);
  });
});

test("a secret is made once and is the same for whoever asks for that purpose again", async () => {
  const [one, again, other] = await Promise.all([
    deps.secret("masking"),
    deps.secret("masking"),
    deps.secret("chains"),
  ]);
  expect(one).toHaveLength(32);
  expect(again.equals(one)).toBe(true);
  expect(other.equals(one)).toBe(false);
});
