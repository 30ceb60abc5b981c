import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startQuickstartProcess, type QuickstartProcess } from "../../src/cli/quickstart-process.ts";
import { eventually } from "./eventually.ts";

let gateway: QuickstartProcess;
let openai: OpenAI;

beforeAll(async () => {
  gateway = await startQuickstartProcess();
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: await gateway.token(), maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
});

const messages = [{ role: "user" as const, content: "What is the capital of France?" }];

test("an allowed model answers, with its usage", async () => {
  const answer = await openai.chat.completions.create({ model: "small", messages });
  expect(answer.choices[0]?.message.content).toBeTruthy();
  expect(answer.usage?.total_tokens).toBeGreaterThan(0);
});

test("a stream arrives in pieces and says how it ended", async () => {
  const stream = await openai.chat.completions.create({ model: "small", messages, stream: true });
  let text = "";
  let finish: string | null | undefined;
  let chunks = 0;
  for await (const chunk of stream) {
    chunks++;
    text += chunk.choices[0]?.delta.content ?? "";
    finish = chunk.choices[0]?.finish_reason ?? finish;
    expect(chunk.choices.length).toBe(1); // the usage chunk that the gateway asks for is not the client's
  }
  expect(chunks).toBeGreaterThan(2);
  expect(text).not.toBe("");
  expect(finish).toBe("stop");
});

test("embeddings and the list of models pass", async () => {
  const { data } = await openai.embeddings.create({ model: "small", input: "hello" });
  expect(data[0]?.embedding.length).toBeGreaterThan(0);
  const models = (await openai.models.list()).data.map((model) => model.id);
  expect(models).toContain("small");
});

test("a model that policy denies is not listed, and asking for it is like asking for one that does not exist", async () => {
  expect((await openai.models.list()).data.map((model) => model.id)).not.toContain("large");
  const [denied, unknown] = await Promise.all(
    ["large", "no-such-model"].map((model) =>
      openai.chat.completions.create({ model, messages }).catch((error: unknown) => error),
    ),
  );
  expect(denied).toBeInstanceOf(OpenAI.NotFoundError);
  const shape = (thrown: unknown) =>
    thrown instanceof OpenAI.APIError ? [thrown.status, thrown.code, thrown.type] : thrown;
  expect(shape(denied)).toEqual(shape(unknown));
});

test("without a token there is a 401 that the SDK understands", async () => {
  const stranger = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "sk-not-ours", maxRetries: 0 });
  await expect(stranger.chat.completions.create({ model: "small", messages })).rejects.toThrow(
    OpenAI.AuthenticationError,
  );
  const response = await fetch(`${gateway.url}/v1/models`);
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toContain("resource_metadata=");
});

test("a client that goes away midway leaves nothing behind", async () => {
  const stream = await openai.chat.completions.create({ model: "slow", messages, stream: true });
  for await (const chunk of stream) {
    expect(chunk.object).toBe("chat.completion.chunk");
    break; // closes the connection
  }
  await eventually(async () => expect(await gateway.metric("sallyport_exchanges_in_flight")).toBe(0));
  await eventually(async () => {
    const { records } = (await (await gateway.admin("/api/journal?target=slow")).json()) as {
      records: { outcome: string }[];
    };
    expect(records.map((record) => record.outcome)).toContain("aborted");
  });
  const simulator = await fetch(`${gateway.sample("model")}/metrics`);
  expect(await simulator.text()).toMatch(/vllm:num_requests_running\S* 0(\.0)?\n/);
});
