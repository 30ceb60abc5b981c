import { request as httpRequest } from "node:http";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { SeenRequest, Simulator } from "../../models/simulator/simulator.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";

const providerKey = `sk-provider-${crypto.randomUUID()}`;
const callerKey = `caller-${crypto.randomUUID()}`;
const hello = { messages: [{ role: "user" as const, content: "Hello there" }] };

let simulator: Simulator;
let gateway: Harness;
let client: OpenAI;
const seen: SeenRequest[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ key: providerKey, faults: true, onRequest: (request) => seen.push(request) });
  const url = simulator.url;
  const server = { provider: "vllm" as const, url, key: providerKey };
  gateway = await startHarness({
    config: {
      models: {
        plain: server,
        renamed: { ...server, model: "simulated-8b" },
        long: { ...server, model: "simulated@tokens=200" },
      },
    },
  });
  client = new OpenAI({ baseURL: gateway.url, apiKey: callerKey, maxRetries: 0 });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

describe("a whole answer", () => {
  it("reaches the official SDK with its usage, and the usage is noted", async () => {
    const answer = await client.chat.completions.create({ model: "plain", ...hello });
    expect(answer.choices[0]?.message.content).toContain("Hello there");
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
    const { context, outcome } = gateway.carried.at(-1) ?? {};
    expect(outcome?.status).toBe("ok");
    expect(context?.usage).toMatchObject({
      inputTokens: answer.usage?.prompt_tokens,
      outputTokens: answer.usage?.completion_tokens,
      cachedInputTokens: 0,
    });
    expect(context?.operation).toMatchObject({
      method: "chat.completions",
      mode: "call",
      target: { kind: "model", name: "plain", server: "vllm" },
    });
  });

  it("carries a tool call to the official SDK's runner and the tool's result back", async () => {
    const asked: unknown[] = [];
    const runner = client.chat.completions.runTools({
      model: "plain",
      messages: [{ role: "user", content: 'Use read_file on "notes.md"' }],
      tools: [
        {
          type: "function",
          function: {
            name: "read_file",
            description: "Reads a file",
            parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
            parse: JSON.parse,
            function: (given: unknown) => {
              asked.push(given);
              return "buy milk";
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("According to the tool: buy milk");
    expect(asked).toEqual([{ path: "notes.md" }]);
  });
});

describe("the request to the provider", () => {
  it("carries the gateway's key and nothing of the caller's", async () => {
    await client.chat.completions.create(
      { model: "plain", ...hello },
      {
        headers: {
          cookie: "session=1",
          "openai-organization": "org-caller",
          "idempotency-key": "k1",
          "openai-beta": "assistants=v2",
        },
      },
    );
    const { headers } = seen.at(-1) ?? {};
    expect(headers?.authorization).toBe(`Bearer ${providerKey}`);
    expect(JSON.stringify(headers)).not.toContain(callerKey);
    expect(Object.keys(headers ?? {}).toSorted()).toEqual(
      [
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "openai-beta",
        "traceparent",
        "user-agent",
      ].toSorted(),
    );
  });

  it("is the caller's own buffer when there is nothing to edit", async () => {
    const body =
      ' {"zeta":1e2, "model" : "plain",\n"big":9007199254740993,"2":1,"1":2,"float":1.0,"messages":[{"role":"user","content":"\\u00e9"}],"unknown":{"deep":[null]}} ';
    expect((await post("/chat/completions", body)).status).toBe(200);
    expect(seen.at(-1)?.body.toString()).toBe(body);
  });

  it("differs in the model's name alone when the provider knows another", async () => {
    const body =
      '{"note":"model","big":9007199254740993,"model":"renamed", "messages":[{"role":"user","content":"hi","model":"renamed"}],"n":1.0}';
    expect((await post("/chat/completions", body)).status).toBe(200);
    expect(seen.at(-1)?.body.toString()).toBe(body.replace('"model":"renamed",', '"model":"simulated-8b",'));
  });

  it("asks for the usage of a stream in the caller's own words", async () => {
    const ask = async (options: string) => {
      await post(
        "/chat/completions",
        `{"stream":true${options},"model":"plain","big":9007199254740993,"messages":[{"role":"user","content":"hi"}]}`,
      );
      return seen.at(-1)?.body.toString();
    };
    const rest = ',"model":"plain","big":9007199254740993,"messages":[{"role":"user","content":"hi"}]';
    const usage = '"stream_options":{"include_usage":true}';
    expect(await ask("")).toBe(`{"stream":true${rest},${usage}}`);
    expect(await ask(',"stream_options":null')).toBe(`{"stream":true,${usage}${rest}}`);
    expect(await ask(',"stream_options":{}')).toBe(`{"stream":true,${usage}${rest}}`);
    expect(await ask(',"stream_options":{"include_usage":false}')).toBe(`{"stream":true,${usage}${rest}}`);
    expect(await ask(',"stream_options":{"include_usage":true}')).toBe(`{"stream":true,${usage}${rest}}`);
    expect(await ask(',"stream_options":{"include_obfuscation":false}')).toBe(
      `{"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}${rest}}`,
    );
  });
});

describe("a stream", () => {
  it("arrives in the official SDK event by event; the usage nobody asked for is noted and taken out", async () => {
    const stream = await client.chat.completions.create({ model: "long", stream: true, ...hello });
    let text = "";
    let reason: string | null = null;
    for await (const chunk of stream) {
      expect(chunk.choices).toHaveLength(1);
      text += chunk.choices[0]?.delta.content ?? "";
      reason = chunk.choices[0]?.finish_reason ?? reason;
    }
    expect(text).toContain("Hello there");
    expect(reason).toBe("stop");
    const { context, outcome } = gateway.carried.at(-1) ?? {};
    expect(outcome?.status).toBe("ok");
    expect(context?.usage?.outputTokens).toBe(200);
    expect(context?.firstByteMs).toBeGreaterThanOrEqual(0);
  });

  it("keeps its usage for a caller who asked", async () => {
    const stream = await client.chat.completions.create({
      model: "long",
      stream: true,
      stream_options: { include_usage: true },
      ...hello,
    });
    const chunks = await collect(stream);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 200 } });
  });

  it("is byte for byte what the provider sent, but for the usage chunk", async () => {
    const through = await post("/chat/completions", JSON.stringify({ model: "long", stream: true, ...hello }));
    expect(through.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(through.text).not.toContain("prompt_tokens");
    const events = through.text.split("\n\n").filter(Boolean);
    expect(events).toHaveLength(1 + 200 + 1 + 1);
    for (const event of events.slice(0, -1))
      expect(JSON.parse(event.slice("data: ".length))).toMatchObject({ object: "chat.completion.chunk" });
  });
});

describe("other endpoints", () => {
  it("give embeddings to the official SDK", async () => {
    const answer = await client.embeddings.create({
      model: "plain",
      input: ["one two", "one two", "three"],
      dimensions: 16,
    });
    expect(answer.data).toHaveLength(3);
    expect(answer.data[0]?.embedding).toHaveLength(16);
    expect(answer.data[0]?.embedding).toEqual(answer.data[1]?.embedding);
    expect(gateway.carried.at(-1)?.context).toMatchObject({
      operation: { method: "embeddings" },
      usage: { inputTokens: answer.usage.prompt_tokens },
    });
  });

  it("note the usage of an answer too long to be parsed whole", async () => {
    const input = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    const answer = await client.embeddings.create({
      model: "plain",
      input,
      dimensions: 4_096,
      encoding_format: "float",
    });
    expect(answer.data).toHaveLength(100);
    expect(gateway.carried.at(-1)?.context.usage).toEqual({ inputTokens: answer.usage.prompt_tokens });
  });

  it("give legacy completions, whole and streamed", async () => {
    const whole = await client.completions.create({ model: "plain", prompt: "Once upon" });
    expect(whole.choices[0]?.text).toContain("Once upon");
    const stream = await client.completions.create({ model: "plain", prompt: "Once upon", stream: true });
    expect((await collect(stream)).map((chunk) => chunk.choices[0]?.text).join("")).toBe(whole.choices[0]?.text);
  });

  it("list the configured models", async () => {
    const models = await collect(client.models.list());
    expect(models.map(({ id, owned_by }) => `${id} ${owned_by}`)).toEqual(["plain vllm", "renamed vllm", "long vllm"]);
    expect((await client.models.retrieve("renamed")).id).toBe("renamed");
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A raw request, so that the body's spelling is the test's own. */
async function post(path: string, body: string): Promise<{ status: number; headers: Headers; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      gateway.url + path,
      { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${callerKey}` } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: new Headers(response.headers as Record<string, string>),
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
