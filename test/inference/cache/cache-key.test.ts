import { expect, test } from "vitest";
import type { Partition } from "../../../src/inference/cache/answer-cache.ts";
import { toCallKeys, type CallIdentity } from "../../../src/inference/cache/cache-key.ts";

const partition: Partition = {
  tenant: "a",
  principal: "ada",
  permissions: "p",
  model: "small",
  modelIdentity: "i",
  policyHash: "1",
};
const body = { model: "small", messages: [{ role: "user", content: "Hello" }], temperature: 0, user: "u1" };
const call: CallIdentity = {
  method: "openai chat.completions",
  stream: false,
  headers: {},
  body,
  bytes: Buffer.alloc(0),
  question: undefined,
};
const keys = (of: Partial<Partition> = {}, other: Partial<CallIdentity> = {}) =>
  toCallKeys({ ...partition, ...of }, { ...call, ...other });
const key = (...given: Parameters<typeof keys>) => keys(...given).key;

test("the order of members and the name of a provider's cache do not matter, nor that a stream is not wanted", () => {
  const same = {
    temperature: 0,
    prompt_cache_key: "x",
    stream: false,
    messages: [{ content: "Hello", role: "user" }],
    user: "u1",
    model: "small",
  };
  expect(key({}, { body: same })).toBe(key());
});

test("everything else does", () => {
  const all = [
    key(),
    key({ tenant: "b" }),
    key({ principal: "bob" }),
    key({ principal: undefined }),
    key({ permissions: "q" }),
    key({ model: "large" }),
    key({ modelIdentity: "j" }),
    key({ policyHash: "2" }),
    key({}, { method: "anthropic messages" }),
    key({}, { stream: true }),
    key({}, { headers: { "anthropic-beta": "b" } }),
    key({}, { body: { ...body, user: "u2" } }),
    key({}, { body: { ...body, metadata: { user_id: "u2" } } }),
    key({}, { body: { ...body, temperature: 1 } }),
    key({}, { body: { ...body, temperature: null } }),
    key({}, { body: { ...body, messages: [...body.messages, ...body.messages] } }),
    key({}, { body: { ...body, messages: [{ role: "system", content: "Hello" }] } }),
    key({}, { body: { ...body, tools: [] } }),
    key({}, { body: { ...body, stop: ["a", "b"] } }),
    key({}, { body: { ...body, stop: ["a,b"] } }),
    key({}, { body: { ...body, stop: [["a", "b"]] } }),
  ];
  expect(new Set(all).size).toBe(all.length);
});

test("a member of a message is never left out, whatever its name", () => {
  const named = (name: string, value: string) => ({
    ...body,
    messages: [{ role: "user", content: "Hello", [name]: value }],
  });
  expect(key({}, { body: named("stream", "a") })).not.toBe(key({}, { body: named("stream", "b") }));
  expect(key({}, { body: named("prompt_cache_key", "a") })).not.toBe(key({}, { body: named("prompt_cache_key", "b") }));
});

test("numbers that JavaScript takes for one another are told apart by the bytes they came in", () => {
  const of = (text: string) => key({}, { body: JSON.parse(text) as unknown, bytes: Buffer.from(text) });
  expect(of('{"seed":9007199254740993}')).not.toBe(of('{"seed":9007199254740992}'));
  expect(of('{"seed":1e400}')).not.toBe(of('{"seed":null}'));
  expect(of('{"seed":7}')).toBe(of('{ "seed": 7 }'));
});

test("the question is no part of the fingerprint, and nothing that stands in its place is taken for it", () => {
  const of = (content: unknown, asked = true) => {
    const message = { role: "user", content };
    const question = asked ? { holder: message, name: "content", text: String(content) } : undefined;
    return keys({}, { body: { ...body, messages: [message] }, question });
  };
  expect(of("How?").fingerprint).toBe(of("Why?").fingerprint);
  expect(of("How?").key).not.toBe(of("Why?").key);
  expect(of("How?").key).toBe(of("How?").key);
  expect(of("?", false).fingerprint).not.toBe(of("How?").fingerprint);
});
