import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { Simulator } from "../../models/simulator/simulator.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { createModelRelay } from "./without-sockets.ts";

const faults = [
  "die=2",
  "die=0",
  "no-done",
  "no-finish",
  "garbage",
  "error-event",
  "huge-event",
  "json-for-stream",
  "html",
  "hang",
  "reset",
  "status=429",
  "status=500",
  "status=404",
  "plain-error",
] as const;

let simulator: Simulator;
let gateway: Harness;
let client: OpenAI;

beforeAll(async () => {
  simulator = await startSimulator({ faults: true });
  const models = Object.fromEntries(
    faults.map((fault) => [
      fault,
      { provider: "vllm" as const, url: simulator.url, model: `simulated@tokens=6,${fault}` },
    ]),
  );
  gateway = await startHarness({ config: { models } });
  client = new OpenAI({ baseURL: gateway.url, apiKey: "caller", maxRetries: 0 });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

/** The tokens a client saw, and what its SDK threw. */
async function streamWith(model: string): Promise<{ text: string; error: unknown }> {
  let text = "";
  try {
    const stream = await client.chat.completions.create({
      model,
      stream: true,
      messages: [{ role: "user", content: "Hello" }],
    });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  } catch (error) {
    return { text, error };
  }
  return { text, error: undefined };
}

async function rawStream(model: string): Promise<string> {
  const response = await fetch(`${gateway.url}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "Hello" }] }),
  });
  return response.text();
}

describe("a stream that breaks off", () => {
  it.each([
    ["die=2", "You asked"],
    ["die=0", ""],
    ["no-done", 'You asked: "Hello" This'],
    ["no-finish", 'You asked: "Hello" This'],
  ])("throws in the official SDK after what had arrived: %s", async (fault, arrived) => {
    const { text, error } = await streamWith(fault);
    expect(text).toBe(arrived);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ type: "server_error", code: "upstream_truncated" });
    expect(gateway.carried.at(-1)?.outcome).toMatchObject({
      status: "failed",
      error: { kind: "upstream_truncated" },
    });
  });

  it.each(["die=2", "no-done", "no-finish", "garbage", "error-event", "huge-event"])(
    "never ends with [DONE], nor with half an event: %s",
    async (fault) => {
      const text = await rawStream(fault);
      expect(text).not.toContain("[DONE]");
      const events = text.split("\n\n");
      expect(events.pop()).toBe("");
      for (const event of events) JSON.parse(event.replace(/^data: /, ""));
      expect(JSON.parse((events.at(-1) ?? "").replace(/^data: /, ""))).toMatchObject({
        error: { message: expect.any(String), type: "server_error" },
      });
    },
  );

  it.each([
    ["openai", 'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}\n\ndata: [DONE]\n\n'],
    [
      "anthropic",
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"hi"}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    ],
  ] as const)("is one that has its end mark and no reason for ending, too: %s", async (dialect, stream) => {
    const { arrived, failure } = await createModelRelay(dialect, dialect).stream([Buffer.from(stream)], undefined);
    expect(failure).toMatchObject({ kind: "upstream_truncated" });
    expect(arrived.toString()).toContain("hi");
    expect(arrived.toString()).not.toMatch(/\[DONE\]|message_stop/);
  });

  it("shows the provider's own error event once", async () => {
    const text = await rawStream("error-event");
    expect(text.match(/"error":/g)).toHaveLength(1);
    expect(text).toContain("The engine died.");
    expect(gateway.carried.at(-1)?.outcome).toMatchObject({
      status: "failed",
      error: { kind: "upstream_unavailable" },
    });
  });

  it.each([
    ["garbage", "not JSON"],
    ["huge-event", "too large"],
  ])("says what was wrong with an event: %s", async (fault, words) => {
    const { error } = await streamWith(fault);
    expect(error).toMatchObject({ code: "upstream_invalid", message: expect.stringContaining(words) });
  });
});

describe("a provider that fails before its first event", () => {
  it.each([
    ["json-for-stream", 502, "upstream_invalid"],
    ["html", 502, "upstream_invalid"],
    ["reset", 502, "upstream_unavailable"],
    ["plain-error", 502, "upstream_unavailable"],
  ])("is an error with a status of its own, not a stream: %s", async (fault, status, code) => {
    const { error } = await streamWith(fault);
    expect(error).toMatchObject({ status, code });
    expect((error as Error).message).not.toMatch(/nginx|Traceback|10\.0\.0\.7|127\.0\.0\.1/);
  });

  it.each([
    ["status=429", 429],
    ["status=500", 500],
    ["status=404", 404],
  ])("has its own words passed on when they are an OpenAI error: %s", async (fault, status) => {
    const { error } = await streamWith(fault);
    expect(error).toMatchObject({ status, code: "simulated", message: `${status} Simulated status ${status}.` });
  });
});

describe("a whole answer", () => {
  const create = (model: string) =>
    client.chat.completions.create({ model, messages: [{ role: "user", content: "Hello" }] });

  it.each([
    ["html", 502, "upstream_invalid"],
    ["die=1", 502, "upstream_truncated"],
    ["reset", 502, "upstream_unavailable"],
  ])("that is none is an error: %s", async (fault, status, code) => {
    await expect(create(fault === "die=1" ? "die=2" : fault)).rejects.toMatchObject({ status, code });
  });
});
