import { describe, expect, it } from "vitest";
import { promptBytes, toPromptChain } from "../../../src/inference/pool/prompt.ts";

const bodyOf = (text: string) => {
  const bytes = Buffer.from(text);
  return { bytes, value: JSON.parse(text) as unknown };
};

const options = { model: "llama", adapter: undefined, tenant: "a", secret: 7 };
const toChain = (text: string, more: Partial<typeof options> = {}) =>
  toPromptChain(promptBytes(bodyOf(text)), { ...options, ...more });

/** How many first blocks two prompts share. */
function shared(a: ReturnType<typeof toChain>, b: ReturnType<typeof toChain>): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && a.low[count] === b.low[count] && a.high[count] === b.high[count])
    count++;
  return count;
}

const long = "You are a helpful assistant. ".repeat(200);
const messages = (last: string) =>
  JSON.stringify([
    { role: "system", content: long },
    { role: "user", content: last },
  ]);

describe("what is known of a prompt", () => {
  it("is what a model reads, wherever it stands in the request and whatever stands beside it", () => {
    const first = toChain(`{"model":"llama","temperature":0.1,"stream":true,"messages":${messages("one")}}`);
    const second = toChain(`{"messages":${messages("another")},"max_tokens":5,"model":"llama"}`);
    expect(first.length).toBeGreaterThan(10);
    expect(shared(first, second)).toBeGreaterThanOrEqual(first.length - 1);
  });

  it("begins with tools and a system prompt", () => {
    const tools = JSON.stringify([{ type: "function", function: { name: "f", description: long } }]);
    const of = (system: string, more: string) =>
      toChain(`{"messages":[{"role":"user","content":"${more}"}],"system":"${system}","tools":${tools}}`);
    const both = of(long, "hello");
    expect(shared(both, of(long, "bye"))).toBeGreaterThanOrEqual(both.length - 1);
    expect(shared(both, of("short", "hello"))).toBeLessThan(both.length);
    expect(shared(both, of("short", "hello"))).toBeGreaterThan(both.length / 3);
  });

  it("has nothing in common with that of another model, adapter, tenant or process", () => {
    const text = `{"messages":${messages("one")}}`;
    const own = toChain(text);
    expect(shared(own, toChain(text))).toBe(own.length);
    expect(shared(own, toChain(text, { model: "qwen" }))).toBe(0);
    expect(shared(own, toPromptChain(promptBytes(bodyOf(text)), { ...options, adapter: "x" }))).toBe(0);
    expect(shared(own, toChain(text, { tenant: "b" }))).toBe(0);
    expect(shared(own, toChain(text, { secret: 8 }))).toBe(0);
  });

  it("is the same wherever in memory the request lies", () => {
    const text = `{"messages":${messages("one")}}`;
    const own = toChain(text);
    for (let offset = 1; offset < 8; offset++) {
      const bytes = Buffer.concat([Buffer.alloc(offset, "x"), Buffer.from(text)]).subarray(offset);
      const moved = toPromptChain(promptBytes({ bytes, value: JSON.parse(text) as unknown }), options);
      expect(shared(own, moved)).toBe(own.length);
    }
  });

  it("is that of a completion's prompt, and nothing where there is none", () => {
    expect(toChain(`{"prompt":${JSON.stringify(long)}}`).length).toBeGreaterThan(10);
    expect(toChain('{"model":"llama"}').length).toBe(0);
  });
});
