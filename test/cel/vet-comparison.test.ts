import { expect, test } from "vitest";
import { compileExpression } from "../../src/cel/expression.ts";

const meanings = { examples: ["law"], classifiers: { topic: ["code", "law"], open: undefined } };
const compile = (source: string) =>
  compileExpression(source, { variables: ["principal", "llm", "budget"], result: "bool", meanings });

test.each([
  ["llm.complexity > 1.5", "1:18"],
  ["60 < llm.complexity", "1:1"],
  ["!(llm.signals.code >= 2)", "1:23"],
  ['llm.similarity("law") > 80', "1:25"],
  ['budget.remaining("a") < 20', "1:25"],
  ['principal.tenant == "a" && llm.class("topic") != "cod"', "1:50"],
  ['"cod" == llm.class("topic")', "1:1"],
  ['llm.class("topic") in ["law", "cod"]', "1:31"],
])("%s can never be what was meant", (source, place) => {
  expect(() => compile(source)).toThrow(/is from 0 to 1|has no label "cod"; did you mean code/);
  try {
    compile(source);
  } catch (error) {
    const { line, column } = error as { line: number; column: number };
    expect(`${line}:${column}`).toBe(place);
  }
});

test.each([
  "llm.complexity >= 1 || llm.complexity < 0.2",
  "llm.maxTokens > 60",
  'llm.class("topic") == "code" || llm.class("topic") in ["law"]',
  'llm.class("open") == "anything"',
  "llm.complexity > llm.signals.code",
  "llm.class('topic') == principal.tenant",
])("%s may be", (source) => {
  expect(compile(source).source).toBe(source);
});
