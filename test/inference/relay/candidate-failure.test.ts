import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/core/errors.ts";
import { markUnsent } from "../../../src/http/upstream-errors.ts";
import { failureOf, noteRefusal } from "../../../src/inference/relay/candidate-failure.ts";
import { preludes } from "../../../src/inference/dialects/prelude.ts";
import { readRetryAfterMs } from "../../../src/inference/relay/retry-after.ts";
import { toStreamRefusal } from "../../../src/inference/relay/stream-refusal.ts";

const refusalOf = (status: number, text = "", retryAfterMs?: number) =>
  failureOf(noteRefusal(new GatewayError("invalid_request", "no"), status, text, retryAfterMs));

describe("what a provider's refusal means to the other models", () => {
  it.each([
    [429, "rate_limited"],
    [408, "timeout"],
    [500, "server_error"],
    [503, "server_error"],
    [529, "server_error"],
  ])("%i is a failure that another can mend", (status, reason) => {
    expect(refusalOf(status)).toEqual({ reason, health: "sick", load: true });
  });

  it.each([400, 402, 404, 409, 413, 422, 451])("%i would come from another as well", (status) => {
    expect(refusalOf(status, '{"error":{"message":"Something else is wrong."}}')).toBeUndefined();
  });

  it.each([
    [
      "OpenAI",
      `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
    ],
    [
      "OpenAI, newer",
      `{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}`,
    ],
    [
      "vLLM",
      `{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens","type":"BadRequestError","param":null,"code":400}`,
    ],
    [
      "vLLM, newer",
      `{"error":{"message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096.","type":"BadRequestError","code":400}}`,
    ],
    [
      "Anthropic",
      `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}`,
    ],
    [
      "Anthropic, with max_tokens",
      `{"type":"error","error":{"type":"invalid_request_error","message":"input length and \`max_tokens\` exceed context limit: 188240 + 21333 > 200000, decrease input length or \`max_tokens\` and try again"}}`,
    ],
    [
      "llama.cpp",
      `{"error":{"code":400,"message":"request (8305 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}`,
    ],
    [
      "Google",
      `{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}`,
    ],
  ])("a request that is too long is one for a model with more room, and no sign of trouble: %s", (_, text) => {
    expect(refusalOf(400, text)).toEqual({ reason: "context_too_long", health: "well", load: false });
    expect(refusalOf(404, text)).toBeUndefined();
  });

  it("one that says when to come back works, and is left alone until then; a 5xx that says so is still in trouble", () => {
    expect(refusalOf(429, "", 7_000)).toMatchObject({ health: "well", retryAfterMs: 7_000 });
    expect(refusalOf(503, "", 7_000)).toMatchObject({ health: "sick", retryAfterMs: 7_000 });
    expect(refusalOf(429, "", 0)).toEqual({ reason: "rate_limited", health: "sick", load: true });
  });

  it.each([
    ["upstream_unavailable", "unreachable"],
    ["upstream_timeout", "timeout"],
    ["upstream_truncated", "truncated"],
  ] as const)("%s without an answer is %s, and was work for nobody when it was never sent", (kind, reason) => {
    expect(failureOf(new GatewayError(kind, "no"))).toEqual({ reason, health: "sick", load: true });
    if (kind !== "upstream_truncated")
      expect(failureOf(markUnsent(new GatewayError(kind, "no")))).toEqual({ reason, health: "sick", load: false });
  });

  it.each(["denied", "invalid_request", "upstream_invalid", "cancelled", "draining", "internal"] as const)(
    "%s is nothing another could mend",
    (kind) => expect(failureOf(new GatewayError(kind, "no"))).toBeUndefined(),
  );
});

describe("how long an answer asks to wait", () => {
  const now = Date.parse("Mon, 23 Nov 2026 09:00:00 GMT");

  it.each([
    [{ "retry-after": "7" }, 7_000],
    [{ "retry-after": " 0.5 " }, 500],
    [{ "retry-after": "7", "retry-after-ms": "250" }, 250],
    [{ "retry-after": "7", "retry-after-ms": "soon" }, 7_000],
    [{ "retry-after": "315360000" }, 315_360_000_000],
    [{ "retry-after": "Mon, 23 Nov 2026 09:00:30 GMT" }, 30_000],
    [{ "retry-after": "Sun, 22 Nov 2026 09:00:30 GMT" }, 0],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "1e9999" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{}, undefined],
  ])("%j", (headers, waitMs) => {
    expect(readRetryAfterMs(headers, now)).toBe(waitMs);
  });
});

describe("a stream that begins with an error", () => {
  it.each([
    [{ error: { message: "Slow down.", type: "rate_limit_error" } }, "rate_limited", "rate_limited"],
    [
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
      "upstream_unavailable",
      "server_error",
    ],
    [{ error: { message: "Bad.", type: "BadRequestError", code: 400 } }, "invalid_request", undefined],
    [
      { error: { message: "prompt is too long: 9 > 8", type: "invalid_request_error" } },
      "invalid_request",
      "context_too_long",
    ],
    [{ error: "broken" }, "upstream_unavailable", "server_error"],
  ])("is what a refusal with a status would be: %j", (value, kind, reason) => {
    const error = toStreamRefusal(JSON.stringify(value), value, []);
    expect(error.kind).toBe(kind);
    expect(failureOf(error)?.reason).toBe(reason);
  });

  it("shows the provider's words, unless the gateway's key is in them", () => {
    const value = { error: { message: "Your key sk-1 is used up." } };
    expect(toStreamRefusal(JSON.stringify(value), value, []).message).toContain("is used up");
    expect(toStreamRefusal(JSON.stringify(value), value, ["sk-1"]).message).not.toContain("sk-1");
  });
});

describe("what only opens a stream", () => {
  it.each([
    ["openai", { choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] }],
    ["openai", { choices: [{ index: 0, delta: { role: "assistant", content: null, refusal: null, tool_calls: [] } }] }],
    ["openai", { choices: [], prompt_filter_results: [{}] }],
    ["openai", { choices: [{ index: 0, text: "", finish_reason: null }] }],
    ["anthropic", { type: "message_start", message: {} }],
    ["anthropic", { type: "ping" }],
    ["anthropic", { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }],
    ["anthropic", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "" } }],
  ] as const)("in %s: %j", (dialect, event) => {
    expect(preludes[dialect](JSON.stringify(event))).toBe(true);
  });

  it.each([
    ["openai", { choices: [{ index: 0, delta: { content: "a" } }] }],
    ["openai", { choices: [{ index: 0, delta: { reasoning_content: "a" } }] }],
    ["openai", { choices: [{ index: 0, delta: { tool_calls: [{ index: 0 }] } }] }],
    ["openai", { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }],
    ["openai", { choices: [{ index: 0, text: "a" }] }],
    ["openai", { something: "else" }],
    ["anthropic", { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "t", name: "f" } }],
    ["anthropic", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a" } }],
    ["anthropic", { type: "message_delta", delta: { stop_reason: "end_turn" } }],
  ] as const)("and what is part of the answer, in %s: %j", (dialect, event) => {
    expect(preludes[dialect](JSON.stringify(event))).toBe(false);
  });
});
