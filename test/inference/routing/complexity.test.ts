import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileRules } from "../../../src/authz/compile-rules.ts";
import { parsePolicyFile } from "../../../src/authz/policy-file.ts";
import { runPolicyTests } from "../../../src/authz/policy-test.ts";
import { Context } from "../../../src/cel/context.ts";
import { compileExpression } from "../../../src/cel/expression.ts";
import type { Operation } from "../../../src/core/operation.ts";
import { toCallOperation } from "../../../src/inference/catalog.ts";
import { endpoints } from "../../../src/inference/dialects/registry.ts";
import { LazyComplexity, measureComplexity } from "../../../src/inference/routing/complexity.ts";
import { authzOf, caller } from "../../authz/scene.ts";

const proof = "Prove that there are infinitely many primes, and explain why the same argument fails for twins.";

function callOf(path: string, body: object): Operation {
  const endpoint = endpoints.get(path)!;
  return toCallOperation(endpoint, endpoint.read({ model: "m", ...body }), undefined, 1_000);
}
const chat = (content: string) => callOf("/v1/chat/completions", { messages: [{ role: "user", content }] });

const evaluate = (source: string, operation: Operation) =>
  compileExpression(source, { variables: ["llm"], result: "double" }).evaluate(
    new Context({ variables: operation.variables }),
  );

describe("llm.complexity", () => {
  test("is read by expressions, as are its parts", () => {
    const measured = measureComplexity({ messages: [{ role: "user", content: proof }], tools: [] });
    expect(evaluate("llm.complexity", chat(proof))).toBe(measured.score);
    for (const [part, value] of Object.entries(measured.parts))
      expect(evaluate(`llm.signals.${part}`, chat(proof)), part).toBe(value);
  });

  test.each([
    ["/v1/messages", { max_tokens: 9, system: "Be brief.", messages: [{ role: "user", content: proof }] }],
    ["/v1/completions", { prompt: proof }],
    ["/v1/embeddings", { input: [proof] }],
  ])("is that of what was asked in calls of %s", (path, body) => {
    expect(evaluate("llm.complexity", callOf(path, body))).toBeCloseTo(evaluate("llm.complexity", chat(proof)), 1);
  });

  test("is measured when it is first read, and once", () => {
    let reads = 0;
    const messages = new Proxy([{ role: "user", content: proof }], {
      get(target, key) {
        if (key === "length") reads++;
        return Reflect.get(target, key) as unknown;
      },
    });
    const complexity = new LazyComplexity({ messages, tools: [] });
    expect(reads).toBe(0);
    const first = complexity.score;
    const once = reads;
    expect(once).toBeGreaterThan(0);
    expect([complexity.score, complexity.parts.length > 0]).toEqual([first, true]);
    expect(reads).toBe(once);
  });

  test("decides in policies, and in a list shows what a call could reach", () => {
    const { authorize, visible } = authzOf({ name: "hard", on: "llm", allow: "llm.complexity > 0.3" });
    expect(authorize(caller(), chat(proof)).allow).toBe(true);
    expect(authorize(caller(), chat("hi")).allow).toBe(false);
    expect(visible(caller(), chat("hi"))).toBe(true);
  });

  test("of a call nobody has measured is an error, not nothing", () => {
    const { authorize } = authzOf(
      { name: "all", allow: "true" },
      { name: "hard", on: "llm", deny: "llm.signals.code > 0.9" },
    );
    const unknown = {
      ...chat(proof),
      variables: { llm: { ...chat(proof).variables.llm!, complexity: { score: undefined, parts: undefined } } },
    };
    expect(authorize(caller(), unknown)).toMatchObject({
      allow: false,
      reason: expect.stringContaining("nobody has said") as string,
    });
  });
});

test("the policies shown in docs/routing.md do what their tests say", () => {
  const page = readFileSync(new URL("../../../docs/routing.md", import.meta.url), "utf8");
  const shown = [...page.matchAll(/```yaml\n([^]*?)```/g)]
    .map(([, yaml = ""]) => yaml)
    .filter((yaml) => /^rules:/m.test(yaml));
  expect(shown.length).toBeGreaterThan(0);
  for (const yaml of shown) {
    const file = parsePolicyFile(yaml, "docs/routing.md");
    expect(file.problems).toEqual([]);
    expect(file.tests.length).toBeGreaterThan(0);
    compileRules(file.rules);
    expect(runPolicyTests({ ...file, files: [] }).failures).toEqual([]);
  }
});
