import { expect, test } from "vitest";
import { toCacheKey, type CallIdentity } from "../../../src/inference/cache/cache-key.ts";
import type { Partition } from "../../../src/inference/cache/answer-cache.ts";

const partition: Partition = { tenant: "a", principal: "ada", model: "small", policyHash: "1" };
const body = { model: "small", messages: [{ role: "user", content: "Hello" }], temperature: 0, user: "u1" };
const call: CallIdentity = { method: "openai chat.completions", stream: false, body };
const key = (of: Partial<Partition> = {}, other: Partial<CallIdentity> = {}) =>
  toCacheKey({ ...partition, ...of }, { ...call, ...other });

test("the order of members and the end user's name do not matter", () => {
  const same = { user: "u2", temperature: 0, messages: [{ content: "Hello", role: "user" }], model: "small" };
  expect(key({}, { body: same })).toBe(key());
});

test("everything else does", () => {
  const keys = [
    key(),
    key({ tenant: "b" }),
    key({ principal: "bob" }),
    key({ principal: undefined }),
    key({ model: "large" }),
    key({ policyHash: "2" }),
    key({}, { method: "anthropic messages" }),
    key({}, { stream: true }),
    key({}, { body: { ...body, temperature: 1 } }),
    key({}, { body: { ...body, messages: [...body.messages, ...body.messages] } }),
    key({}, { body: { ...body, messages: [{ role: "system", content: "Hello" }] } }),
    key({}, { body: { ...body, tools: [] } }),
    key({}, { body: { ...body, stop: ["a", "b"] } }),
    key({}, { body: { ...body, stop: ["a,b"] } }),
    key({}, { body: { ...body, stop: [["a", "b"]] } }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test("a member of a message is never left out, whatever its name", () => {
  const named = (user: string) => ({ ...body, messages: [{ role: "user", content: "Hello", user }] });
  expect(key({}, { body: named("a") })).not.toBe(key({}, { body: named("b") }));
});
