import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tokensOf } from "../../../src/inference/picker/block-chain.ts";
import { promptBytes, toPromptChain } from "../../../src/inference/pool/prompt.ts";

const bodyOf = (text: string) => {
  const bytes = Buffer.from(text);
  return { bytes, value: JSON.parse(text) as unknown };
};

const options = { model: "llama", adapter: undefined, tenant: "a", secret: 7 };
const toChain = (text: string, more: Partial<typeof options> = {}) =>
  toPromptChain(promptBytes(bodyOf(text), options.secret), { ...options, ...more });

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
    expect(shared(own, toPromptChain(promptBytes(bodyOf(text), options.secret), { ...options, adapter: "x" }))).toBe(0);
    expect(shared(own, toChain(text, { tenant: "b" }))).toBe(0);
    expect(shared(own, toChain(text, { secret: 8 }))).toBe(0);
  });

  it("is the same wherever in memory the request lies", () => {
    const text = `{"messages":${messages("one")}}`;
    const own = toChain(text);
    for (let offset = 1; offset < 8; offset++) {
      const bytes = Buffer.concat([Buffer.alloc(offset, "x"), Buffer.from(text)]).subarray(offset);
      const moved = toPromptChain(promptBytes({ bytes, value: JSON.parse(text) as unknown }, options.secret), options);
      expect(shared(own, moved)).toBe(own.length);
    }
  });

  it("is that of a completion's prompt, and nothing where there is none", () => {
    expect(toChain(`{"prompt":${JSON.stringify(long)}}`).length).toBeGreaterThan(10);
    expect(toChain('{"model":"llama"}').length).toBe(0);
  });
});

/** As many letters of base64 as nobody would take for others of another seed. */
const base64 = (seed: string, length: number) => {
  let text = "";
  for (let at = 0; text.length < length; at++) text += hash("sha512", `${seed} ${at}`, "base64").slice(0, 84);
  return text.slice(0, length);
};
const dataUrl = (data: string) => `data:image/png;base64,${data}`;
const source = (data: string) => ({ type: "base64", media_type: "image/png", data });
const said = (content: unknown, role = "user") => ({ role, content });
const text = { type: "text", text: "What is in it?" };

/** Parts of messages that hold so much base64, and the string in which it lies. */
const kinds: Readonly<Record<string, (data: string) => readonly [part: object, held: string]>> = {
  image_url: (data) => [{ type: "image_url", image_url: { detail: "low", url: dataUrl(data) } }, dataUrl(data)],
  "a bare image_url": (data) => [{ type: "image_url", image_url: dataUrl(data) }, dataUrl(data)],
  input_audio: (data) => [{ type: "input_audio", input_audio: { data, format: "wav" } }, data],
  video_url: (data) => [{ type: "video_url", video_url: { url: dataUrl(data) } }, dataUrl(data)],
  file: (data) => [{ type: "file", file: { filename: "a.pdf", file_data: dataUrl(data) } }, dataUrl(data)],
  image: (data) => [{ type: "image", source: source(data) }, data],
  document: (data) => [{ type: "document", source: source(data), title: "a" }, data],
  "the result of a tool": (data) => [
    { type: "tool_result", tool_use_id: "t", content: [text, { type: "image", source: source(data) }] },
    data,
  ],
  "a document of blocks": (data) => [
    { type: "document", source: { type: "content", content: [{ type: "image", source: source(data) }] } },
    data,
  ],
};

const standIn = 1_600 * 4;
const bytesOf = (prompt: unknown) => promptBytes(bodyOf(JSON.stringify(prompt)), options.secret);

describe("a picture in a prompt", () => {
  it.each(Object.keys(kinds))("is 1,600 tokens, whatever its size: %s", (kind) => {
    for (const size of [6_401, 6_464, 65_536, 100_001, 600_000]) {
      const [part, held] = kinds[kind]!(base64("a", size));
      const messages = [said(long, "system"), said([text, part, text])];
      expect(bytesOf({ messages }).length).toBe(JSON.stringify(messages).length - held.length - 2 + standIn);
    }
  });

  it("differs with every byte of it, the last included", () => {
    const data = base64("a", 150_001);
    const of = (changed: string) => bytesOf({ messages: [said([kinds["image"]!(changed)[0]])] }).toString("latin1");
    const all = new Set([of(data), of(`${data}A`), of(data.slice(1))]);
    const places = [0, 1, 65_535, 65_536, 131_071, 131_072, 149_999, 150_000];
    for (const at of places) all.add(of(`${data.slice(0, at)}-${data.slice(at + 1)}`));
    expect(all.size).toBe(3 + places.length);
  });

  it("shares with the same one at the same place, in a system prompt and in history, and ends where another stands", () => {
    const of = (kind: string, seed: string, last: string) => {
      const part = kinds[kind]!(base64(seed, 50_000))[0];
      const rest = [said([text]), said(long, "assistant"), said(last)];
      return kind === "image"
        ? { system: [{ type: "text", text: long }, part], messages: rest }
        : { messages: [said([{ type: "text", text: long }, part], "system"), ...rest] };
    };
    for (const kind of ["image", "image_url"]) {
      const chain = (seed: string, last: string) => toChain(JSON.stringify(of(kind, seed, last)));
      const own = chain("a", "one");
      expect(tokensOf(own.length)).toBeGreaterThan(4_000);
      expect(shared(own, chain("a", "another"))).toBeGreaterThanOrEqual(own.length - 1);
      const before = tokensOf(shared(own, chain("b", "one")));
      expect(before).toBeGreaterThan((long.length / 4) * 0.85);
      expect(before).toBeLessThan(long.length / 4 + 50);
    }
  });

  it("parts two prompts that are else the same just there", () => {
    const part = fc.record({
      kind: fc.constantFrom(...Object.keys(kinds)),
      size: fc.integer({ min: 6_401, max: 20_000 }),
      before: fc.string({ unit: "grapheme", maxLength: 400 }),
    });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.nat(), fc.boolean(), (drawn, which, spaced) => {
        const changed = which % drawn.length;
        const make = (other: boolean) => {
          const made = drawn.map(({ kind, size }, at) =>
            kinds[kind]!(base64(`${at} ${other && at === changed}`, size)),
          );
          const messages = made.map(([own], at) => said([{ type: "text", text: drawn[at]!.before }, own]));
          const json = JSON.stringify(messages, undefined, spaced ? 1 : undefined);
          return { json, held: made.map(([, held]) => JSON.stringify(held)) };
        };
        const [one, two] = [make(false), make(true)];
        // What the caller wrote between the pictures, and as much as each of them is.
        let left = one.json;
        let starts = 0;
        for (const [at, held] of one.held.entries()) {
          const [before = "", ...after] = left.split(held);
          if (at <= changed) starts += Buffer.byteLength(before) + (at < changed ? standIn : 0);
          left = after.join(held);
        }
        const a = promptBytes(bodyOf(`{"messages":${one.json}}`), options.secret);
        const b = promptBytes(bodyOf(`{"messages":${two.json}}`), options.secret);
        expect(a.subarray(0, starts).equals(b.subarray(0, starts))).toBe(true);
        expect(a.subarray(starts, starts + 8).equals(b.subarray(starts, starts + 8))).toBe(false);
        expect(a.subarray(starts + standIn).equals(b.subarray(starts + standIn))).toBe(true);
        const both = shared(toPromptChain(a, options), toPromptChain(b, options));
        expect(tokensOf(both) * 4).toBeLessThanOrEqual(starts);
        if (both < toPromptChain(a, options).length) expect(tokensOf(both + 1) * 4).toBeGreaterThan(starts);
      }),
      { numRuns: 60 },
    );
  });

  it("is found in each place of a part that has several, in whatever order", () => {
    const inner = [kinds["image"]!(base64("a", 7_000))[0]];
    const outer = { data: base64("b", 8_000), content: [kinds["image"]!(base64("c", 9_000))[0]] };
    for (const part of [
      { type: "image", content: inner, source: outer },
      { type: "image", source: outer, content: inner },
    ]) {
      const messages = [said([part])];
      const bytes = bytesOf({ messages });
      expect(bytes.length).toBe(JSON.stringify(messages).length - 24_000 - 6 + 3 * standIn);
      expect(bytes.includes(base64("a", 100))).toBe(false);
    }
  });

  it("is no text that looks like one, no small one and no address: these stay as they were written", () => {
    const data = base64("a", 50_000);
    const messages = [
      said(dataUrl(data)),
      said([
        { type: "text", text: dataUrl(data) },
        { type: "document", source: { type: "text", media_type: "text/plain", data } },
        { type: "tool_result", content: dataUrl(data) },
        { type: "image", source: source(data.slice(0, 6_400)) },
        { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        { type: "image_url", image_url: null },
        { type: "image", source: null },
        { type: "file" },
        null,
        "x",
      ]),
    ];
    expect(bytesOf({ messages }).toString()).toBe(JSON.stringify(messages));
  });

  it("is found behind quotes, escapes and members that are there twice", () => {
    const data = base64("a", 50_000);
    const written = `[ {"role":"user","content":"\\"\\u005b{","content" : [ {"text":"]\\\\","type":"text"} , {"type":"image","source":{"data":"x","type":"base64","data": "${data}" } } ] } ]`;
    const bytes = promptBytes(bodyOf(`{"messages":${written}}`), options.secret).toString("latin1");
    const at = written.indexOf(`"${data}"`);
    expect(bytes.length).toBe(written.length - data.length - 2 + standIn);
    expect(bytes.slice(0, at)).toBe(written.slice(0, at));
    expect(bytes.slice(at + standIn)).toBe(written.slice(at + data.length + 2));
  });
});
