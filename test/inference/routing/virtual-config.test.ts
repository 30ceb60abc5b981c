import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkBudgets, budgetsConfig } from "../../../src/budgets/config.ts";
import { checkChoices, checkFallbacks, inferenceConfig, standIns } from "../../../src/inference/config.ts";

const schema = z.strictObject({ ...inferenceConfig, ...budgetsConfig });
const served = {
  large: { provider: "vllm", url: "http://vllm:8000" },
  small: { provider: "vllm", url: "http://vllm:8000" },
};
const withSmart = (smart: object, more: object = {}) => schema.parse({ models: { ...served, ...more, smart } });
const choosing = (when: string, use = "large", otherwise = "small") => ({ choose: [{ when, use }], otherwise });

describe("a virtual model is refused at load", () => {
  test.each([
    [choosing("llm.complexity > 0.6"), []],
    [
      choosing("llm.complexty > 0.6"),
      [["choose.0.when", "1:5: llm has no field complexty; did you mean llm.complexity?"]],
    ],
    [choosing("llm.complexity"), [["choose.0.when", "1:1: the result must be bool, and this is double"]]],
    [
      choosing("chain.depth > 1"),
      [["choose.0.when", "1:1: chain cannot be used here; usable here: principal, request, llm"]],
    ],
    [
      choosing("true", "larg", "smal"),
      [
        ["choose.0.use", "no such entry in `models`; did you mean large?"],
        ["otherwise", "no such entry in `models`; did you mean small?"],
      ],
    ],
    [
      choosing("true", "smart"),
      [["choose.0.use", "a choice cannot choose a choice: name a model that a provider or a pool serves"]],
    ],
    [
      choosing("true", "large", "other"),
      [["otherwise", "a choice cannot choose a choice: name a model that a provider or a pool serves"]],
    ],
  ])("where it could not be asked: %j", (smart, problems) => {
    const found = checkChoices(withSmart(smart, { other: choosing("true") }));
    expect(found.map(({ path, message }) => [path.slice(2).join("."), message])).toEqual(problems);
    expect(found.every(({ path }) => path[0] === "models" && path[1] === "smart")).toBe(true);
  });

  test("where it should step in for a model, or be limited by a budget", () => {
    const config = withSmart(choosing("true"), { third: { ...served.large, fallback: ["smart"] } });
    expect(checkFallbacks(config)).toEqual([
      { path: ["models", "third", "fallback", 0], message: "a choice cannot step in: name the models it chooses from" },
    ]);
    expect(standIns("smart", config.models)).toEqual([]);
    const budgets = schema.parse({
      budgets: [{ name: "a", limits: ["5 calls/min on smart", "5 calls/min on large"] }],
    });
    expect(checkBudgets({ ...config, budgets: budgets.budgets })).toEqual([
      { path: ["budgets", 0, "limits", 0], message: "smart is a choice between models: name those it chooses from" },
    ]);
  });
});
