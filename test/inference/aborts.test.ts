import { connect } from "node:net";
import OpenAI, { APIUserAbortError } from "openai";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { SeenRequest, Simulator } from "../../models/simulator/simulator.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { chunkOf, startRawProvider, streamHead } from "./raw-provider.ts";

const hello = [{ role: "user" as const, content: "Hello" }];

let simulator: Simulator;
let gateway: Harness;
let client: OpenAI;
let arrived: Promise<SeenRequest>;

beforeEach(async () => {
  let arrive: (request: SeenRequest) => void = () => {};
  arrived = new Promise((resolve) => (arrive = resolve));
  simulator = await startSimulator({ faults: true, onRequest: (request) => arrive(request) });
  const models = {
    silent: { provider: "vllm" as const, url: simulator.url, model: "m@hang" },
    slow: { provider: "vllm" as const, url: simulator.url, model: "m@itl=20,tokens=500" },
    limited: { provider: "vllm" as const, url: simulator.url, model: "m@ttft=250,tokens=3", firstTokenTimeout: 60_000 },
    late: { provider: "vllm" as const, url: simulator.url, model: "m@ttft=2000,tokens=3", firstTokenTimeout: 150 },
    thinking: { provider: "vllm" as const, url: simulator.url, model: "m@ttft=250,tokens=3" },
  };
  gateway = await startHarness({ config: { models }, keepAliveMs: 40 });
  client = new OpenAI({ baseURL: gateway.url, apiKey: "caller", maxRetries: 0 });
});

afterEach(async () => {
  await gateway.close();
  await simulator.close();
});

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve())));

/** True once a count has begun and is the same as at the look before. */
function stoppedGrowing(count: () => number): () => boolean {
  let before = 0;
  return () => {
    const same = count() > 0 && count() === before;
    before = count();
    return same;
  };
}

describe("a caller who leaves", () => {
  it.each([true, false])("frees the provider before its first byte (stream: %s)", async (stream) => {
    const leaving = new AbortController();
    const call = client.chat.completions.create(
      { model: "silent", stream, messages: hello },
      { signal: leaving.signal },
    );
    const { signal } = await arrived;
    const end = gateway.nextEnd();
    leaving.abort();
    await expect(call).rejects.toBeInstanceOf(APIUserAbortError);
    await aborted(signal);
    expect((await end).outcome).toMatchObject({ status: "aborted", error: { kind: "cancelled" } });
  });

  it("frees the provider in the middle of a stream", async () => {
    const stream = await client.chat.completions.create({ model: "slow", stream: true, messages: hello });
    const { signal } = await arrived;
    const end = gateway.nextEnd();
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 3) stream.controller.abort();
    await aborted(signal);
    expect((await end).outcome).toMatchObject({ status: "aborted", error: { kind: "cancelled" } });
  });
});

describe("a credential that expires", () => {
  it("ends a stream with an error event and frees the provider", async () => {
    const stream = await client.chat.completions.create({ model: "slow", stream: true, messages: hello });
    const { signal } = await arrived;
    const read = async () => {
      let chunks = 0;
      for await (const _ of stream) if (++chunks === 3) gateway.expire();
    };
    await expect(read()).rejects.toMatchObject({ type: "authentication_error", code: "invalid_api_key" });
    await aborted(signal);
  });

  it("frees the provider even when the caller has stopped reading", async () => {
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(60_000) }, finish_reason: null }] })}\n\n`;
    let written = 0;
    const provider = await startRawProvider((socket) => {
      socket.write(streamHead);
      const pump = () => {
        while (!socket.destroyed && socket.write(chunkOf(event))) written += event.length;
        written += event.length;
        socket.once("drain", pump);
      };
      pump();
    });
    const blocked = await startHarness({ config: { models: { flood: { provider: "vllm", url: provider.url } } } });
    const { hostname, port } = new URL(blocked.url);
    const reader = connect(Number(port), hostname);
    const body = JSON.stringify({ model: "flood", stream: true, messages: hello });
    reader.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    reader.pause();
    try {
      // Nothing reads: the sockets' own buffers fill, then the provider is made to wait.
      await vi.waitUntil(
        stoppedGrowing(() => written),
        { interval: 150, timeout: 10_000 },
      );
      expect(written).toBeLessThan(32 * 1_048_576);
      const end = blocked.nextEnd();
      blocked.expire();
      expect((await end).outcome).toMatchObject({ status: "aborted", error: { kind: "unauthenticated" } });
      await vi.waitUntil(() => provider.open === 0);
    } finally {
      reader.destroy();
      await blocked.close();
      await provider.close();
    }
  });
});

it("a stream that a step ends makes its provider stop at once: what it goes on making is paid for", async () => {
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] })}\n\n`;
  const provider = await startRawProvider((socket) => {
    socket.write(streamHead);
    const timer = setInterval(() => socket.write(chunkOf(event)), 5);
    socket.once("close", () => clearInterval(timer));
  });
  let seen = 0;
  const guarded = await startHarness({
    config: { models: { talker: { provider: "vllm", url: provider.url } } },
    answer(answered) {
      if (++seen > 3) throw new GatewayError("denied", "No further.");
      return answered;
    },
  });
  try {
    const response = await fetch(`${guarded.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "talker", stream: true, messages: hello }),
    });
    expect(await response.text()).toContain("No further.");
    // Within a second: a body that is let go of is read on for two.
    await vi.waitUntil(() => provider.open === 0);
  } finally {
    await guarded.close();
    await provider.close();
  }
});

describe("a silence", () => {
  it("is filled with comments on event boundaries, which the official SDK does not see", async () => {
    const response = await fetch(`${gateway.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "thinking", stream: true, messages: hello }),
    });
    const text = await response.text();
    expect(text).toMatch(/^(: keepalive\n\n)+data: /);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    const answer = await client.chat.completions.create({ model: "thinking", stream: true, messages: hello });
    let chunks = 0;
    for await (const _ of answer) chunks++;
    expect(chunks).toBe(5);
  });

  it("is not broken before the first token where that has a limit: a keep-alive would be the first byte", async () => {
    const ask = (model: string) =>
      fetch(`${gateway.url}/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ model, stream: true, messages: hello }),
      });
    expect(await (await ask("limited")).text()).toMatch(/^data: /);
    const late = await ask("late");
    expect(late.status).toBe(504);
    expect(await late.json()).toMatchObject({ error: { type: "timeout_error", code: "upstream_timeout" } });
  });
});
