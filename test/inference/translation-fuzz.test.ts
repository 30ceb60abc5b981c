import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { Fields } from "../../src/inference/dialects/fields.ts";
import { isFields } from "../../src/inference/dialects/fields.ts";
import { dialects } from "../../src/inference/dialects/registry.ts";
import type { IrMessage, IrPart } from "../../src/inference/ir.ts";
import { parseExact } from "../../src/inference/parse-exact.ts";
import type { Provider } from "../../src/inference/providers/provider.ts";
import { toAnthropic, toOpenai } from "./golden-scenarios.ts";

/* What callers and providers send is not theirs to choose alone: whatever it is, it is read or refused. */

const server: Provider = { dialect: "openai", baseUrl: "http://x/v1", headers: {}, secrets: [], maxTokens: 9 };
const options = { model: "m", server };
const ways = [
  { from: dialects.openai, to: dialects.anthropic, scenarios: toAnthropic },
  { from: dialects.anthropic, to: dialects.openai, scenarios: toOpenai },
] as const;

/* Words that mean something to the readers, wherever they stand. */
const word = fc.constantFrom(
  "role", "content", "type", "text", "user", "assistant", "tool", "system", "tool_calls", "function", "name", "arguments",
  "image_url", "image", "source", "url", "data", "base64", "media_type", "tool_use", "tool_result", "thinking", "signature", "id", "input",
  "messages", "tools", "tool_choice", "response_format", "output_config", "json_schema", "format", "index", "delta", "choices", "message",
  "content_block", "content_block_start", "content_block_delta", "text_delta", "message_start", "finish_reason", "stop_reason", "usage",
  "__proto__", "constructor", "toString", "data:image/png;base64,AA",
); // oxfmt-ignore
const leaf = fc.oneof(
  word,
  fc.string(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie("node"), { maxLength: 4 }),
    fc.array(fc.tuple(word, tie("node")), { maxLength: 6 }).map((pairs) => {
      const made: Record<string, unknown> = {};
      for (const [key, value] of pairs)
        Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true });
      return made;
    }),
  ),
}));
const document = fc.array(fc.tuple(word, node), { maxLength: 8 }).map((pairs) => {
  const text = `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  return parseExact(text) as Fields;
});

/** What the work gives; undefined where it was refused as it should be. Anything else thrown is a fault. */
function expectSound<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    return undefined;
  }
}

describe("whatever is sent", () => {
  it("as a request is carried over or refused", () => {
    fc.assert(
      fc.property(document, (body) => {
        for (const { from, to } of ways) {
          const request = expectSound(() => from.readRequest(body));
          if (request !== undefined) expectSound(() => JSON.stringify(to.writeRequest(request, options).body));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("as an answer is shown or refused", () => {
    fc.assert(
      fc.property(document, (value) => {
        for (const { from, to } of ways) {
          const answer = expectSound(() => from.readAnswer(value));
          if (answer !== undefined) expectSound(() => JSON.stringify(to.writeAnswer(answer, 0)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("as a stream is shown or refused, and every event of it is JSON or the end mark", () => {
    fc.assert(
      fc.property(fc.array(document, { maxLength: 6 }), (values) => {
        for (const { from, to } of ways) {
          const reader = from.createStreamReader();
          const scribe = to.createStreamScribe({ createdS: 0, wantsUsage: true, inputTokens: 1 });
          expectSound(() => {
            const events = [...values.flatMap((value) => reader.read(value)), ...reader.finish(undefined)];
            const written = events.flatMap(scribe);
            for (const { bytes, last } of written)
              if (bytes.toString() !== "[DONE]")
                expect(isFields(JSON.parse(bytes.toString())), String(last)).toBe(true);
            expect(written.filter(({ last }) => last)).toHaveLength(1);
          });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("what is nearly right", () => {
  const change = fc.tuple(fc.nat(), node);

  it.each(ways)("is carried over, shown or refused: $from.name to $to.name", ({ from, to, scenarios }) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...scenarios),
        fc.array(change, { minLength: 1, maxLength: 2 }),
        (scenario, changes) => {
          const changed = (text: string) => changes.reduce(replaceOne, JSON.parse(text) as unknown) as Fields;
          const body = changed(scenario.request);
          const request = expectSound(() => isFields(body) && from.readRequest(body));
          if (request) expectSound(() => JSON.stringify(to.writeRequest(request, options).body));
          if (scenario.name !== "truncated") {
            const value = changed(scenario.whole);
            const answer = expectSound(() => isFields(value) && to.readAnswer(value));
            if (answer) expectSound(() => JSON.stringify(from.writeAnswer(answer, 0)));
          }
          const reader = to.createStreamReader();
          const scribe = from.createStreamScribe({ createdS: 0, wantsUsage: false, inputTokens: 1 });
          const events = [...scenario.stream.join("").matchAll(/^data: (\{.*)$/gm)].map(([, data = ""]) => data);
          for (const [index, data] of events.entries()) {
            const value =
              index === (changes[0]?.[0] ?? 0) % events.length ? changed(data) : (JSON.parse(data) as Fields);
            expectSound(() => (isFields(value) ? reader.read(value).flatMap(scribe) : []));
          }
          expectSound(() => reader.finish(undefined).flatMap(scribe));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

/** The same document with one of its values, chosen by number, replaced. */
function replaceOne(document: unknown, [chosen, junk]: readonly [number, unknown]): unknown {
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const copy: unknown = structuredClone(document);
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ holder: value as Record<string, unknown>, key });
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(copy);
  const place = places[chosen % places.length];
  if (place !== undefined) place.holder[place.key] = junk;
  return copy;
}

describe("a conversation", () => {
  const text = fc.string({ minLength: 1 }).map((said): IrPart => ({ kind: "text", text: said }));
  const id = fc.stringMatching(/^[a-z]{1,8}$/);
  const args = fc.jsonValue().map((value) => JSON.stringify({ value }));
  const call = fc.record({ kind: fc.constant("call" as const), id, name: id, args });
  const result = fc.record({
    kind: fc.constant("result" as const),
    id,
    parts: fc.array(text, { maxLength: 2 }),
    failed: fc.constant(false),
  });
  const messages = fc
    .array(
      fc.tuple(
        fc.array(text, { minLength: 1, maxLength: 2 }),
        fc.array(call, { minLength: 1, maxLength: 3 }),
        fc.array(result, { minLength: 1, maxLength: 3 }),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((turns): IrMessage[] => [
      ...turns.flatMap(([said, calls, results]): IrMessage[] => [
        { role: "user", parts: said },
        { role: "assistant", parts: [...said, ...calls] },
        { role: "user", parts: results },
        { role: "assistant", parts: said },
      ]),
      // An assistant's message is never the last: the answer would go on from it.
      { role: "user", parts: turns[0]?.[0] ?? [] },
    ]);

  it("is the same after it went through either dialect", () => {
    fc.assert(
      fc.property(messages, (said) => {
        for (const dialect of [dialects.openai, dialects.anthropic]) {
          const request = { messages: said, tools: [], stream: false, dropped: new Set<string>() };
          const { body } = dialect.writeRequest(request, options);
          const back = dialect.readRequest(parseExact(JSON.stringify(body)) as Fields);
          expect(joinTurns(back.messages)).toEqual(joinTurns(said));
        }
      }),
      { numRuns: 500 },
    );
  });
});

/* One dialect has a message for each result, the other one for all of a turn. */
function joinTurns(messages: readonly IrMessage[]): readonly IrMessage[] {
  const turns: { role: IrMessage["role"]; parts: IrPart[] }[] = [];
  for (const { role, parts } of messages) {
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else turns.push({ role, parts: [...parts] });
  }
  return turns;
}
