import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkBudgets, budgetsConfig } from "../../../src/budgets/config.ts";
import { authzOf } from "../../authz/scene.ts";
import { checkCache, checkChoices, checkFallbacks, inferenceConfig, standIns } from "../../../src/inference/config.ts";

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

  test("where the cache should ask it for vectors", () => {
    const semantic = (model: string) => ({ cache: { semantic: { embedder: { model } } } });
    const check = (model: string) =>
      checkCache(schema.parse({ models: { ...served, smart: choosing("true") }, ...semantic(model) }));
    expect(check("small")).toEqual([]);
    expect(check("smart")).toEqual([
      {
        path: ["cache", "semantic", "embedder", "model"],
        message: "a choice between models has no vectors: name one that serves `/v1/embeddings`",
      },
    ]);
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

describe("what rules ask about the meaning of a call is checked at load", () => {
  const routing = {
    examples: { law: ["Is this clause enforceable?"] },
    classifiers: {
      topic: { url: "http://classifier:8080/predict", labels: ["code", "law"] },
      open: { url: "http://classifier:8080/predict" },
      asked: { model: "small", labels: { code: "asks for a program", other: "anything else" } },
    },
  };
  const problemsOf = (when: string, about: object = routing) =>
    checkChoices(schema.parse({ models: { ...served, smart: choosing(when) }, routing: about })).map(
      ({ message }) => message,
    );

  test.each([
    ['llm.similarity("law") > 0.5', []],
    ['llm.similarity("lwa") > 0.5', ['1:16: `routing.examples` has no label "lwa"; did you mean law?']],
    ["llm.similarity(llm.model) > 0.5", ["1:20: the label must be written out: it is found out beforehand"]],
    ['llm.class("topic") == "law"', []],
    ['llm.class("topc") == "law"', ['1:11: `routing.classifiers` has no "topc"; did you mean topic?']],
    ['llm.class("topic") > 0.5', ["1:1: no such overload: string > double"]],
    ['llm.classScore("topic", "lw") > 0.5', ['1:25: the classifier topic has no label "lw"; did you mean law?']],
    ['llm.classScore("asked", "other") > 0.5', []],
    ['llm.classScore("asked", "law") > 0.5', ['1:25: the classifier asked has no label "law"; there is code, other']],
    ['llm.classScore("open", "whatever") > 0.5', []],
    ['[llm].exists(call, call.similarity("none") > 0.5)', [expect.stringContaining('no label "none"')]],
  ])("%s", (when, problems) => {
    expect(problemsOf(when)).toEqual(problems);
  });

  test("also where nothing of the kind is configured, and in policies", () => {
    expect(problemsOf('llm.similarity("law") > 0.5', {})).toEqual(['1:16: `routing.examples` has no label "law"']);
    expect(() => authzOf({ name: "r", on: "llm", allow: 'llm.class("topic") == "law"' })).toThrow(
      "llm.class is known only to the rules of virtual models, under `choose`",
    );
  });

  test("as are the models that are asked", () => {
    const about = { embedder: { model: "smal" }, classifiers: { a: { ...routing.classifiers.asked, model: "smart" } } };
    const config = schema.parse({ models: { ...served, smart: choosing("true") }, routing: about });
    expect(checkChoices(config)).toEqual([
      {
        path: ["routing", "embedder", "model"],
        message: "no entry of `models` that a provider or a pool serves; did you mean small?",
      },
      {
        path: ["routing", "classifiers", "a", "model"],
        message: expect.stringContaining("no entry of `models` that") as string,
      },
    ]);
  });

  test.each([
    [{ classifiers: { a: {} } }, "a classifier has a `url`, or a `model` of `models`"],
    [{ classifiers: { a: { url: "ftp://x" } } }, "an http or https address"],
    [{ classifiers: { a: { url: "http://user:pass@x" } } }, "no user in it: write `key`"],
    [{ classifiers: { a: { model: "small" } } }, "labels"],
    [{ classifiers: { a: { model: "small", labels: { one: "x" } } } }, "two labels at least"],
    [{ classifiers: { a: { url: "http://x", timeout: "0s" } } }, "more than nothing"],
    [{ examples: { a: [] } }, "examples"],
    [{ examples: { "a/b": ["x"] } }, "routing.examples.a/b: Invalid key"],
    [{ embedder: "magic" }, "`lexical`, or a model"],
  ])("%j is refused", (about, problem) => {
    const issues = schema.safeParse({ routing: about }).error?.issues ?? [];
    expect(issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n")).toContain(problem);
  });
});
