import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { Simulator } from "../../models/simulator/simulator.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";

let simulator: Simulator;
let gateway: Harness;
let requests = 0;

beforeAll(async () => {
  simulator = await startSimulator({ onRequest: () => requests++ });
  const server = { provider: "vllm" as const, url: simulator.url };
  gateway = await startHarness({
    config: {
      models: {
        open: server,
        hidden: server,
        "org/slashed": server,
        dead: { provider: "vllm", url: "http://127.0.0.1:9" },
      },
    },
    shows: ({ target }) => target.name !== "hidden",
    allows: ({ target, variables }) => target.name !== "hidden" && (variables.llm?.maxTokens ?? 0n) <= 100n,
  });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: string;
      readonly param: string | null;
      readonly code: string;
    };
  };
}

async function send(method: string, path: string, body?: string): Promise<Answer> {
  const response = await fetch(gateway.url + path, { method, ...(body === undefined ? {} : { body }) });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
}

const chat = (fields: object) => send("POST", "/chat/completions", JSON.stringify(fields));
const messages = [{ role: "user", content: "Hello" }];

describe("a request that makes no sense", () => {
  it.each([
    ["not JSON", "{", "valid JSON", null],
    ["an array", "[]", "must be a JSON object, not an array", null],
    ["no model", "{}", "`model` is required", "model"],
    ["a model that is a number", '{"model":7}', "`model` must be a string, not a number", "model"],
    ["an endless model", JSON.stringify({ model: "x".repeat(257) }), "at most 256 characters", "model"],
    ["no messages", '{"model":"open"}', "`messages` is required", "messages"],
    [
      "messages that are text",
      '{"model":"open","messages":"hi"}',
      "`messages` must be an array, not a string",
      "messages",
    ],
    ["no message at all", '{"model":"open","messages":[]}', "at least one message", "messages"],
    [
      "a message that is null",
      '{"model":"open","messages":[null]}',
      "`messages[0]` must be an object, not null",
      "messages[0]",
    ],
    [
      "a message without a role",
      '{"model":"open","messages":[{"role":"user"},{}]}',
      "`messages[1].role` must be a string",
      "messages[1].role",
    ],
    [
      "a stream that is text",
      '{"model":"open","messages":[{"role":"user"}],"stream":"yes"}',
      "`stream` must be a boolean, not a string",
      "stream",
    ],
    [
      "stream options that are a list",
      '{"model":"open","messages":[{"role":"user"}],"stream":true,"stream_options":[]}',
      "`stream_options` must be an object",
      "stream_options",
    ],
    [
      "tools that are an object",
      '{"model":"open","messages":[{"role":"user"}],"tools":{}}',
      "`tools` must be an array, not an object",
      "tools",
    ],
    [
      "half a token",
      '{"model":"open","messages":[{"role":"user"}],"max_tokens":0.5}',
      "`max_tokens` must be a whole number",
      "max_tokens",
    ],
  ])("is refused with words that help, and never sent: %s", async (_, body, words, param) => {
    const before = requests;
    const answer = await send("POST", "/chat/completions", body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      type: "invalid_request_error",
      param,
      message: expect.stringContaining(words),
    });
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(requests).toBe(before);
  });

  it("is refused in the OpenAI shape on every path and method", async () => {
    expect(await send("POST", "/chat/nothing", "{}")).toMatchObject({
      status: 404,
      body: {
        error: {
          type: "invalid_request_error",
          code: "unknown_url",
          message: expect.stringContaining("/v1/chat/completions"),
        },
      },
    });
    const wrong = await send("GET", "/chat/completions");
    expect(wrong).toMatchObject({ status: 405, body: { error: { type: "invalid_request_error" } } });
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await send("POST", "/models", "{}")).toMatchObject({ status: 405 });
    expect(await send("POST", "/embeddings", '{"model":"open","input":7}')).toMatchObject({
      status: 400,
      body: { error: { param: "input" } },
    });
    expect(await send("POST", "/completions", '{"model":"open"}')).toMatchObject({
      status: 400,
      body: { error: { param: "prompt" } },
    });
  });

  it("is refused when its body is beyond 32 MiB", async () => {
    const body = JSON.stringify({ model: "open", messages: [{ role: "user", content: "x".repeat(33 * 1_048_576) }] });
    const answer = await send("POST", "/chat/completions", body);
    expect(answer).toMatchObject({
      status: 413,
      body: { error: { type: "invalid_request_error", code: "too_large" } },
    });
    expect(answer.headers.get("x-should-retry")).toBe("false");
  });
});

describe("policy", () => {
  it("makes a hidden model look like one that does not exist", async () => {
    const hidden = await chat({ model: "hidden", messages });
    const unknown = await chat({ model: "nobody", messages });
    expect(hidden.status).toBe(404);
    expect(unknown.status).toBe(404);
    expect(hidden.body.error).toMatchObject({ code: "model_not_found", param: "model", type: "not_found_error" });
    expect(JSON.stringify(hidden.body).replaceAll("hidden", "nobody")).toBe(JSON.stringify(unknown.body));
    const both = await Promise.all(["hidden", "nobody"].map((name) => send("GET", `/models/${name}`)));
    expect(both.map(({ status }) => status)).toEqual([404, 404]);
    expect(JSON.stringify(both[0]?.body).replaceAll("hidden", "nobody")).toBe(JSON.stringify(both[1]?.body));
  });

  it("says that a visible model refuses this call", async () => {
    const answer = await chat({ model: "open", messages, max_tokens: 5, max_completion_tokens: 101 });
    expect(answer).toMatchObject({ status: 403, body: { error: { type: "permission_error", code: "denied" } } });
    expect(answer.headers.get("x-should-retry")).toBe("false");
  });

  it("lists what may be seen, and finds a name with a slash", async () => {
    const client = new OpenAI({ baseURL: gateway.url, apiKey: "caller" });
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(["open", "org/slashed", "dead"]);
    expect(await send("GET", "/models/org/slashed")).toMatchObject({ status: 200, body: { id: "org/slashed" } });
  });
});

describe("a provider that is not there", () => {
  it("is a 502 that may be retried", async () => {
    const answer = await chat({ model: "dead", messages });
    expect(answer).toMatchObject({
      status: 502,
      body: { error: { type: "server_error", code: "upstream_unavailable" } },
    });
    expect(answer.headers.get("x-should-retry")).toBe("true");
    expect(answer.body.error.message).not.toContain("127.0.0.1");
  });
});
