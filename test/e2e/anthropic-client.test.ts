import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startQuickstartProcess, type QuickstartProcess } from "../../src/cli/quickstart-process.ts";

let gateway: QuickstartProcess;
let token: string;
let anthropic: Anthropic;

beforeAll(async () => {
  gateway = await startQuickstartProcess();
  token = await gateway.token();
  anthropic = new Anthropic({ baseURL: gateway.url, authToken: token, apiKey: null, maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
});

const messages = [{ role: "user" as const, content: "What is the capital of France?" }];

test("a model whose provider speaks another dialect answers, whole and streamed", async () => {
  const whole = await anthropic.messages.create({ model: "small", max_tokens: 100, messages });
  const streamed = await anthropic.messages.stream({ model: "small", max_tokens: 100, messages }).finalMessage();
  expect(whole.content[0]).toMatchObject({ type: "text", text: expect.stringContaining("capital of France") });
  expect(streamed.content).toEqual(whole.content);
  expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  expect(streamed.stop_reason).toBe("end_turn");
  // The same path with a query.
  const beta = await anthropic.beta.messages.create({ model: "small", max_tokens: 100, messages, betas: ["of-mine"] });
  expect(beta.content[0]).toMatchObject({ type: "text", text: expect.stringContaining("capital of France") });
});

test("the list of models and the count of tokens pass", async () => {
  const { data } = await anthropic.models.list();
  expect(data.map(({ id }) => id)).toContain("small");
  const count = async (content: string) =>
    (await anthropic.messages.countTokens({ model: "small", messages: [{ role: "user", content }] })).input_tokens;
  // The tokenizer knows a long word; four bytes a token would be 500 more.
  expect((await count(" international".repeat(200))) - (await count(""))).toBeLessThan(210);
});

test("a model that policy denies is like one that does not exist", async () => {
  const [denied, unknown] = await Promise.all(
    ["large", "no-such-model"].map((model) =>
      anthropic.messages.create({ model, max_tokens: 9, messages }).catch((error: unknown) => error),
    ),
  );
  expect(denied).toBeInstanceOf(Anthropic.NotFoundError);
  const shape = (thrown: unknown) =>
    thrown instanceof Anthropic.APIError ? [thrown.status, thrown.type, Object.keys(thrown.error as object)] : thrown;
  expect(shape(denied)).toEqual(shape(unknown));
});

test("every refusal has the dialect's own shape: no credential, a bad one, broken JSON, a path nobody serves", async () => {
  const send = async (path: string, headers: Record<string, string>, body: string) => {
    const response = await fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", ...headers },
      body,
    });
    return { status: response.status, id: response.headers.get("request-id"), body: (await response.json()) as object };
  };
  const ask = JSON.stringify({ model: "small", max_tokens: 9, messages });
  const good = { authorization: `Bearer ${token}` };
  const answers = await Promise.all([
    send("/v1/messages", {}, ask),
    send("/v1/messages", { "x-api-key": "nobody's" }, ask),
    send("/v1/messages", good, "{"),
    send("/v1/messages", good, JSON.stringify({ model: "small", messages })),
    send("/v1/messages/batches", good, "{}"),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 400, 400, 404]);
  for (const { id, body } of answers)
    expect(body).toEqual({
      type: "error",
      error: { type: expect.stringMatching(/_error$/), message: expect.any(String) },
      request_id: id,
    });
});
