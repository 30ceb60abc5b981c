import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import type { Work } from "../../src/core/step.ts";
import { GuardedAnswer } from "../../src/gateway/guarded-answer.ts";
import type { Guardrails, OpenGuardRequest } from "../../src/guardrails/guardrails.ts";
import { createMcpForm } from "../../src/mcp/texts.ts";
import { buildGuardrails, createDeps, requestOf, slotOf } from "../guardrails/guard-scene.ts";
import { fixtures, phoneFixtures } from "../guardrails/pii/fixtures.ts";
import { readMarked, valuesIn } from "../guardrails/pii/marked.ts";
import { type Said, type Wire, wires } from "./masking-wires.ts";

/* Every fixture on every wire, cut at every place: what arrives is what an unmasked model would have said. */

/* One secret for every run: with some, spellings of one value get tokens of different lengths, and the figures below are others. */
const deps = { ...createDeps(), secret: async () => Buffer.alloc(32, 1) };
afterAll(() => deps.close());

const build = (options: object) =>
  buildGuardrails(
    [{ type: "pii", mask: ["email", "phone", "card", "iban", "ssn", "api-key"], restore: true, ...options }],
    deps,
  );
const restoring = build({});
const both = build({ output: "mask" });
const texts = [...fixtures, ...phoneFixtures, "[EMAIL_7K2M9Q4R3T] is hers: alice@example.com"].map(
  (source) => readMarked(source).text,
);

/** What the provider is told of a text, and the request it was part of. */
async function mask(text: string, by: Guardrails): Promise<{ masked: string; request: OpenGuardRequest }> {
  const request = requestOf("llm", text);
  expect(await by.input(request)).toMatchObject({ pass: true });
  const masked = request.slots[0]?.text ?? "";
  expect(valuesIn(masked)).toEqual([]);
  return { masked, request };
}

const sayAll = (text: string): Said => ({ thought: text, text, args: JSON.stringify({ a: text }) });

/** The guards' part in the way back of one answer. */
function answerOf(form: Wire["createForm"], by: Guardrails, request: OpenGuardRequest) {
  const guarded = GuardedAnswer.of(by, request, { answers: form } as Work<unknown>);
  return guarded && ((event: Parameters<GuardedAnswer["pass"]>[0]) => guarded.pass(event, undefined));
}

async function streamed(wire: Wire, by: Guardrails, request: OpenGuardRequest, chunks: readonly Buffer[]) {
  return wire.read(await wire.relay(chunks, answerOf(wire.createForm, by, request)));
}

const cutAt = (at: number) => (text: string) =>
  at > 0 && at < text.length ? [text.slice(0, at), text.slice(at)] : [text];

/** What is compared: arguments by what they say. */
function heard(wire: Wire, said: Said): unknown {
  const { args } = said;
  return [...wire.channels.map((channel) => (channel === "args" ? "" : said[channel])), JSON.parse(args)];
}

const counts = { splits: 0, bytes: 0, whole: 0 };

describe.each(wires)("$name", (wire) => {
  const longest = (said: Said) => Math.max(...wire.channels.map((channel) => said[channel].length));

  test("gives back every fixture at every split point of every text as an unmasked model would have said it", async () => {
    for (const text of texts) {
      const { masked, request } = await mask(text, restoring);
      const expected = heard(wire, sayAll(text));
      const said = sayAll(masked);
      for (let at = 0; at < longest(said); at++) {
        const shown = await streamed(wire, restoring, request, [wire.stream(said, cutAt(at))]);
        expect(heard(wire, shown), `cut at ${at}`).toEqual(expected);
      }
      counts.splits += wire.channels.reduce((sum, channel) => sum + said[channel].length, 0);
      const letters = await streamed(wire, restoring, request, [wire.stream(said, Array.from)]);
      expect(heard(wire, letters)).toEqual(expected);
      if (wire.whole === undefined) continue;
      const whole = await wire.whole.relay(wire.whole.body(said), answerOf(wire.createForm, restoring, request));
      expect(heard(wire, wire.whole.read(whole))).toEqual(expected);
      counts.whole++;
    }
  }, 120_000);

  test("takes out what its caller did not send at every split point as in one piece", async () => {
    for (const [index, text] of texts.entries()) {
      const { masked, request } = await mask(text, both);
      const other = texts[(index + 1) % texts.length] ?? "";
      const said = sayAll(`${masked} / ${other}`);
      const once = await streamed(wire, both, request, [wire.stream(said, (piece) => [piece])]);
      for (const value of valuesIn(other))
        if (!valuesIn(text).includes(value)) expect(valuesIn(once.text)).not.toContain(value);
      for (let at = 1; at < longest(said); at += 3) {
        const shown = await streamed(wire, both, request, [wire.stream(said, cutAt(at))]);
        expect(heard(wire, shown), `cut at ${at}`).toEqual(heard(wire, once));
        counts.splits += wire.channels.length;
      }
      if (wire.whole === undefined) continue;
      const whole = await wire.whole.relay(wire.whole.body(said), answerOf(wire.createForm, both, request));
      expect(heard(wire, wire.whole.read(whole))).toEqual(heard(wire, once));
      counts.whole++;
    }
  }, 120_000);

  test("gives back a text wherever the bytes of its stream are cut", async () => {
    const text = 'Ünïcode 😀 "alice@example.com", +1 415 555 0123\nand [EMAIL_7K2M9Q4R3T]';
    const { masked, request } = await mask(text, restoring);
    const stream = wire.stream(sayAll(masked), (piece) => piece.match(/.{1,16}/gsu) ?? [piece]);
    for (let at = 1; at < stream.length; at++) {
      const shown = await streamed(wire, restoring, request, [stream.subarray(0, at), stream.subarray(at)]);
      expect(heard(wire, shown), `cut at byte ${at}`).toEqual(heard(wire, sayAll(text)));
      counts.bytes++;
    }
    const single = Array.from(stream, (_, index) => stream.subarray(index, index + 1));
    expect(heard(wire, await streamed(wire, restoring, request, single))).toEqual(heard(wire, sayAll(text)));
  }, 120_000);
});

test.each(wires.filter(({ whole }) => whole !== undefined))(
  "a number that was masked is a number again in the arguments of a tool: $name",
  async (wire) => {
    const json = '{"card":4111111111111111,"phone":4155550123,"n":9007199254740993,"note":"4111111111111111"}';
    const request = requestOf("llm", { ...slotOf(json, "tool-input"), json: true });
    await restoring.input(request);
    const args = request.slots[0]?.text ?? "";
    expect(valuesIn(args)).toEqual([]);
    const said = { ...sayAll("so"), args };
    const answer = () => answerOf(wire.createForm, restoring, request);
    const whole = wire.whole && wire.whole.read(await wire.whole.relay(wire.whole.body(said), answer()));
    expect(JSON.parse(whole?.args ?? "")).toEqual(JSON.parse(json));
    for (let at = 0; at < args.length; at++) {
      const shown = wire.read(await wire.relay([wire.stream(said, cutAt(at))], answer()));
      expect(JSON.parse(shown.args), `cut at ${at}`).toEqual(JSON.parse(json));
    }
  },
);

test("MCP gives every fixture back in content, structures, resources, errors and what is said before the answer", async () => {
  for (const text of texts) {
    const { masked, request } = await mask(text, restoring);
    const saying = (said: string) => [
      { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: { said, list: [said] } } },
      { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1, message: said } },
      {
        jsonrpc: "2.0",
        id: 1,
        result: {
          content: [
            { type: "text", text: said },
            { type: "resource", resource: { uri: "file:///a", text: said } },
          ],
          structuredContent: { said, list: [said, { deep: said }] },
        },
      },
      { jsonrpc: "2.0", id: 1, error: { code: -32_000, message: said, data: { said } } },
    ];
    for (const [index, value] of saying(masked).entries()) {
      const answer = answerOf(createMcpForm, restoring, request);
      const bytes = Buffer.from(JSON.stringify(value));
      const [shown] = (await answer?.({ value, bytes, last: index > 1 })) ?? [{ bytes }];
      expect(JSON.parse(shown?.bytes.toString() ?? "")).toEqual(saying(text)[index]);
      counts.whole++;
    }
  }
});

test("the figures in the documentation are these", () => {
  const count = (number: number) => number.toLocaleString("en");
  const { splits, bytes, whole } = counts;
  const figures = `${texts.length} texts on ${wires.length} wires: ${count(splits)} split points, ${count(bytes)} cuts between bytes and ${count(whole)} whole answers, 0 differences`;
  const documented = /\d+ texts on .* differences/.exec(readFileSync("docs/guardrails.md", "utf8"))?.[0];
  expect(documented).toBe(figures);
});
