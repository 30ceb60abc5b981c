import { describe, expect, test } from "vitest";
import { measureComplexity } from "../../../src/inference/routing/complexity.ts";
import { SAMPLE_CHARS, scanText } from "../../../src/inference/routing/scan-text.ts";
import { readSignals, type SignalName, signalNames } from "../../../src/inference/routing/signals.ts";
import { hintKinds } from "../../../src/inference/routing/word-hints.ts";

const ask = (...messages: readonly unknown[]) => ({ messages, tools: [] });
const user = (content: unknown) => ({ role: "user", content });
const signal = (name: SignalName, asked: Parameters<typeof readSignals>[0]) =>
  readSignals(asked)[signalNames.indexOf(name)];

describe("what is counted in a text", () => {
  test("words, numbers, sentences and questions are counted", () => {
    expect(scanText('She said "no", paid 1,250.50 dollars. Why?')).toMatchObject({
      chars: 42,
      looked: 42,
      words: 6,
      capitals: 2,
      numbers: 1,
      digits: 6,
      sentences: 1,
      questions: 1,
      commas: 1,
      quotes: 2,
      lines: 1,
    });
  });

  test.each([
    ["1. one\n2. two\n10) ten", 3],
    ["- one\n  - two\n* three", 3],
    ["A. Wrong\nB) Right", 2],
    ["it costs 2. Then - perhaps * not", 0],
    ["ab. no item\n-1 is a number", 0],
  ])("items of lists are known by how their lines begin: %j", (text, items) => {
    expect(scanText(text).items).toBe(items);
  });

  test("a fence of code is told from inline code", () => {
    expect(scanText("see `x`").fences).toBe(0);
    expect(scanText("see\n```js\nx\n```").fences).toBe(2);
  });

  test("letters outside ASCII are letters, and signs of mathematics are operators", () => {
    expect(scanText("Größe")).toMatchObject({ words: 1, letters: 5, foreign: 2 });
    expect(scanText("密码 пароль")).toMatchObject({ letters: 8, foreign: 8 });
    expect(scanText("a ≤ b × c ÷ 2")).toMatchObject({ operators: 3, foreign: 0 });
  });

  test("a word hints at its kind in capitals too, a part of a word does not", () => {
    const hints = (text: string) =>
      Object.fromEntries(hintKinds.map((kind, index) => [kind, scanText(text).hints[index]]));
    expect(hints("PROVE the theorem")).toMatchObject({ reasoning: 1, maths: 1, code: 0 });
    expect(hints("improve proverbs")).toMatchObject({ reasoning: 0 });
    expect(hints("the function of an integer")).toMatchObject({ code: 2, maths: 2 });
  });

  test("of a long text the beginning, the middle and the end are looked at", () => {
    const filler = "word ".repeat(SAMPLE_CHARS);
    const counts = scanText(`prove ${filler}integral ${filler}theorem`);
    expect(counts.looked).toBe(SAMPLE_CHARS);
    expect(counts.chars).toBe(filler.length * 2 + 22);
    expect(counts.hints[hintKinds.indexOf("reasoning")]).toBe(1);
    expect(counts.hints[hintKinds.indexOf("maths")]).toBe(2);
  });
});

describe("the signals of a request", () => {
  test("every signal is a number from 0 to 1, whatever is asked", () => {
    const texts = ["", " ", "\n\n\n", "}".repeat(5000), "9".repeat(5000), "\ud800", "a".repeat(1_000_000), "¿密?"];
    for (const text of texts)
      for (const [index, value] of readSignals(ask(user(text))).entries()) {
        expect(value, `${signalNames[index]} of ${JSON.stringify(text.slice(0, 10))}`).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
  });

  test("what is no message is passed over", () => {
    const odd = [
      null,
      7,
      [],
      {},
      { role: "user" },
      { role: "user", content: { text: "no" } },
      { role: "user", content: [null, "x", { text: 7 }] },
    ];
    expect([...readSignals(ask(...odd))]).toEqual([...readSignals(ask())]);
  });

  test("the last words of the user count, not the system's, nor a tool's", () => {
    const proof = "Prove the theorem.";
    expect(signal("reasoningWords", ask({ role: "system", content: proof }, user("hi")))).toBe(0);
    expect(signal("reasoningWords", ask(user(proof), { role: "assistant", content: "" }, user("hi")))).toBe(0);
    expect(signal("reasoningWords", ask(user("hi"), { role: "assistant", content: "" }, user(proof)))).toBeGreaterThan(
      0,
    );
    const result = user([{ type: "tool_result", tool_use_id: "t", content: "x" }]);
    expect(signal("reasoningWords", ask(user(proof), { role: "assistant", content: "" }, result))).toBeGreaterThan(0);
  });

  test("text parts are read as one text, and bare strings as prompts", () => {
    const parts = user([
      { type: "text", text: "Prove" },
      { type: "image_url" },
      { type: "text", text: "the theorem." },
    ]);
    expect([...readSignals(ask(parts))]).toEqual([...readSignals(ask(user("Prove\nthe theorem.")))]);
    expect([...readSignals(ask("Prove it."))]).toEqual([...readSignals(ask(user("Prove it.")))]);
  });

  test("turns, tools and results of both dialects are counted", () => {
    const deep = ask(
      user("a"),
      { role: "assistant", content: "b" },
      user("c"),
      { role: "assistant", content: "d" },
      user("e"),
    );
    expect(signal("turns", deep)).toBe(2 / 8);
    expect(signal("toolsOffered", { ...deep, tools: [{}, {}, {}, {}] })).toBe(4 / 16);
    expect(signal("toolResults", ask(user("a"), { role: "tool", content: "b" }))).toBe(1 / 5);
    expect(signal("toolResults", ask(user([{ type: "tool_result" }, { type: "tool_result" }])))).toBe(2 / 6);
  });
});

describe("complexity", () => {
  const score = (text: string) => measureComplexity(ask(user(text))).score;

  test("harder requests score higher than easy ones", () => {
    const easy = ["hi", "What is the capital of France?", "Translate 'good morning' to French.", "Thanks!"];
    const hard = [
      "Prove that there are infinitely many primes p such that p ≡ 3 (mod 4), and explain why the same argument fails for p ≡ 1 (mod 4).",
      "Design a rate limiter with exact limits across regions. Compare three algorithms, and justify a choice given that clocks drift by 200 ms.",
      "Why is the total NaN, and how would you refactor it?\n```js\nfor (let i = 0; i <= a.length; i++) { total += a[i].price * (1 + tax); }\n```",
    ];
    expect(Math.max(...easy.map(score))).toBeLessThan(Math.min(...hard.map(score)));
    for (const text of [...easy, ...hard]) {
      expect(score(text)).toBeGreaterThan(0);
      expect(score(text)).toBeLessThan(1);
    }
  });

  test("a part says how much of it a request has", () => {
    const { parts } = measureComplexity({
      messages: [user("```js\nx\n```")],
      tools: Array.from({ length: 12 }, () => ({})),
    });
    expect(parts).toMatchObject({ code: 1, tools: 0.5, depth: 0, maths: 0 });
  });
});
