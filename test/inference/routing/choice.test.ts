import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Meanings } from "../../../src/cel/vet.ts";
import type { LlmVariables } from "../../../src/core/operation.ts";
import { toCallOperation } from "../../../src/inference/catalog.ts";
import { endpoints } from "../../../src/inference/dialects/registry.ts";
import { choose, compileChoice } from "../../../src/inference/routing/choice.ts";
import { LazyComplexity } from "../../../src/inference/routing/complexity.ts";
import { countBeforeLoop } from "../../../src/inference/routing/model-lock.ts";
import { caller } from "../../authz/scene.ts";

const chat = endpoints.get("/v1/chat/completions")!;

function llmOf(body: object): LlmVariables {
  return toCallOperation(
    chat,
    chat.read({ model: "smart", messages: [{ role: "user", content: "hi" }], ...body }),
    undefined,
    1_000,
  ).variables.llm!;
}

const none: Meanings = { examples: [], classifiers: {} };

/* Each can fail, by what a caller sends or is: absent, of another type, out of range, too much work. */
const risky = [
  'principal.claims.team == "a"',
  "principal.claims.level > 3",
  "principal.groups[2] == 'x'",
  'request.headers["x-hard"] == "1"',
  "llm.cost > 0.01",
  "llm.tokens.output > 100",
  "llm.messages[3].content.contains('proof')",
  "llm.messages[0].content.size() / llm.messages.size() > 2",
  "llm.messages.all(a, llm.messages.all(b, llm.messages.all(c, a.role == b.role && b.role == c.role)))",
  "int(llm.messages[0].content) > 3",
  "llm.tools[0].function.name == 'search'",
  "llm.complexity > 0.5 && llm.signals.code > 0.1",
  "duration(llm.messages[0].content) > duration('1s')",
];
const rules = risky.map((source, index) => ({ when: compileChoice(source, none), use: `m${index}` }));

const content = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.constant(null),
  fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
);
const message = fc.oneof(
  fc.record({ role: fc.constantFrom("user", "assistant", "tool", 7), content }, { requiredKeys: [] }),
  fc.jsonValue(),
);

describe("a choice", () => {
  test("is made whatever a caller sends: no expression can make a call fail", () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 60 }),
        fc.array(fc.jsonValue(), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("team", "level", "x"), fc.jsonValue()),
        fc.shuffledSubarray(rules, { minLength: 1 }),
        (messages, tools, claims, some) => {
          const choice = choose(some, "otherwise", caller({ claims }), {
            ...llmOf({}),
            messages,
            tools,
            complexity: new LazyComplexity({ messages, tools }),
          });
          expect([...some.map(({ use }) => use), "otherwise"]).toContain(choice.use);
          if (choice.rule !== undefined) expect(choice.use).toBe(some[choice.rule - 1]!.use);
          for (const { rule } of choice.faults) expect(rule).toBeLessThanOrEqual(choice.rule ?? some.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("is that of the first rule that holds; those that fail are told with no value of the caller's", () => {
    const made = choose(
      [
        { when: compileChoice("principal.claims.secret == 1", none), use: "a" },
        { when: compileChoice("llm.model == 'smart'", none), use: "b" },
        { when: compileChoice("true", none), use: "c" },
      ],
      "otherwise",
      caller({ claims: { other: "hush" } }),
      llmOf({}),
    );
    expect(made).toEqual({ use: "b", rule: 2, faults: [{ rule: 1, fault: "No such key: secret" }], unasked: [] });
    expect(choose([], "otherwise", caller(), llmOf({}))).toEqual({
      use: "otherwise",
      rule: undefined,
      faults: [],
      unasked: [],
    });
  });
});

describe("where a loop began", () => {
  const asked = { role: "user", content: "What is the weather?" };
  const calls = { role: "assistant", content: null, tool_calls: [{ id: "c1" }] };
  const result = { role: "tool", tool_call_id: "c1", content: "sunny" };
  const uses = { role: "assistant", content: [{ type: "tool_use", id: "t1" }] };
  const given = {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "t1" },
      { type: "text", text: "look" },
    ],
  };
  const said = { role: "assistant", content: "It is sunny." };
  test.each([
    [[asked], 1],
    [[asked, calls, result], 1],
    [[asked, calls, result, calls, result, { role: "user", content: "a picture" }, calls, result], 1],
    [[asked, calls, result, said, asked, calls, result], 5],
    [[asked, said, asked, uses, given, uses, given], 3],
    [[asked, { role: "assistant", function_call: { name: "f" } }, { role: "function", content: "x" }], 1],
    [[result], 1],
    [[asked, calls, result, { role: "assistant", content: "{" }], 1],
    [[asked, said, { role: "user", content: "and?" }, { role: "assistant", content: "{" }], 4],
    [[asked, said, asked], 3],
    [["junk", 7, null], 3],
    [[], 0],
  ])("%j", (messages, count) => {
    expect(countBeforeLoop(messages)).toBe(count);
  });
});
