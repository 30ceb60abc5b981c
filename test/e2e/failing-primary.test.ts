import { APIError } from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  breaksOff,
  diesBeforeFirstToken,
  failsInStream,
  hangs,
  hangsAfterHead,
  refuses,
  says,
  saysAndDies,
  startProvider,
  startScene,
  type Behaviour,
  type Provider,
  type Scene,
} from "./fallback-scene.ts";

let primary: Provider;
let second: Provider;
let scene: Scene;

beforeEach(async () => {
  primary = await startProvider(says("from primary"));
  second = await startProvider(says("from second"));
  scene = await startScene({
    models: `
  primary: { provider: vllm, url: "${primary.url}", model: big, fallback: [second] }
  hasty: { provider: vllm, url: "${primary.url}", model: big, firstTokenTimeout: 300ms, answerTimeout: 300ms, fallback: [second] }
  second: { provider: vllm, url: "${second.url}", model: small }
  alone: { provider: vllm, url: "${primary.url}", model: big }
  nowhere: { provider: vllm, url: "http://127.0.0.1:9", fallback: [second] }`,
  });
});
afterEach(async () => {
  await scene.close();
  await primary.close();
  await second.close();
});

const messages = [{ role: "user" as const, content: "Hello" }];

interface Got {
  readonly text: string;
  readonly error: APIError | undefined;
  readonly model: string | null | undefined;
  readonly fallback: string | null | undefined;
}

/** What the official client gets, streamed or whole. */
async function ask(model: string, stream: boolean): Promise<Got> {
  let text = "";
  let headers: Headers | undefined;
  try {
    if (stream) {
      const { data, response } = await scene.openai.chat.completions.create({ model, messages, stream }).withResponse();
      ({ headers } = response);
      for await (const each of data) text += each.choices[0]?.delta.content ?? "";
    } else {
      const { data, response } = await scene.openai.chat.completions.create({ model, messages }).withResponse();
      ({ headers } = response);
      text = data.choices[0]?.message.content ?? "";
    }
    return toGot(text, headers, undefined);
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    return toGot(text, headers ?? error.headers, error);
  }
}

const toGot = (text: string, headers: Headers | undefined, error: APIError | undefined): Got => ({
  text,
  error,
  model: headers?.get("x-sallyport-model"),
  fallback: headers?.get("x-sallyport-fallback"),
});

async function lastRecord(): Promise<Record<string, unknown>> {
  const { records } = (await scene.admin("/api/journal?limit=1")) as { records: Record<string, unknown>[] };
  return records.at(-1) ?? {};
}

const tooLong = { message: "This model's maximum context length is 8192 tokens.", code: "context_length_exceeded" };

describe("a primary that fails before its first token is followed by its fallback", () => {
  test.for<[string, Behaviour, string]>([
    ["429 with Retry-After", refuses(429, {}, { "retry-after": "7" }), "rate_limited"],
    ["429 without", refuses(429), "rate_limited"],
    ["500", refuses(500), "server_error"],
    ["503", refuses(503), "server_error"],
    ["a connection that breaks", breaksOff, "unreachable"],
    ["a context that is too long", refuses(400, tooLong), "context_too_long"],
    [
      "a prompt that is too long, in vLLM's words",
      refuses(400, { message: "The decoder prompt (length 5000) is longer than the maximum model length of 4096." }),
      "context_too_long",
    ],
  ])("%s", async ([, behaviour, reason]) => {
    primary.behaviour = behaviour;
    for (const stream of [false, true]) {
      const got = await ask("primary", stream);
      expect(got).toEqual({ text: "from second", error: undefined, model: "second", fallback: expect.any(String) });
    }
    expect(await scene.metric("fallbacks_total")).toContainEqual(
      expect.stringContaining(`model="primary",reason="${reason}"`),
    );
    expect(await lastRecord()).toMatchObject({
      outcome: "ok",
      candidate: "second",
      failed: [{ name: "primary", reason: expect.any(String) }],
    });
    expect(JSON.parse(second.lastBody)).toMatchObject({ model: "small", messages });
    expect(second.calls).toBe(2);
  });

  test.for<[string, Behaviour]>([
    ["nothing at all", hangs],
    ["the head and no more", hangsAfterHead],
  ])("an answer that does not come in time: %s", async ([, behaviour]) => {
    primary.behaviour = behaviour;
    for (const stream of [false, true])
      expect(await ask("hasty", stream)).toEqual({
        text: "from second",
        error: undefined,
        model: "second",
        fallback: "timeout",
      });
    expect([primary.calls, second.calls]).toEqual([2, 2]);
  });

  test.for<[string, Behaviour, string]>([
    ["breaks off after what opens it", diesBeforeFirstToken, "truncated"],
    ["begins with an error", failsInStream, "server_error"],
  ])("a stream that %s", async ([, behaviour, fallback]) => {
    primary.behaviour = behaviour;
    expect(await ask("primary", true)).toEqual({ text: "from second", error: undefined, model: "second", fallback });
    expect([primary.calls, second.calls]).toEqual([1, 1]);
    /* Nobody steps in here: what failed before anything was shown is an error with a status. */
    const { error } = await ask("alone", true);
    expect(error).toMatchObject({ status: 502, type: "server_error" });
  });

  test("an address where nobody listens", async () => {
    expect(await ask("nowhere", true)).toMatchObject({ text: "from second", model: "second", fallback: "unreachable" });
  });
});

describe("what does not go on to the fallback", () => {
  test("a primary that is well answers itself, and says so", async () => {
    for (const stream of [false, true])
      expect(await ask("primary", stream)).toEqual({
        text: "from primary",
        error: undefined,
        model: "primary",
        fallback: null,
      });
    expect([primary.calls, second.calls]).toEqual([2, 0]);
    expect(await lastRecord()).not.toHaveProperty("failed");
  });

  test.for<[number, string]>([
    [400, "some other trouble"],
    [404, "no such model"],
    [422, "bad value"],
  ])("%i, for another would say the same", async ([status, message]) => {
    primary.behaviour = refuses(status, { message });
    const { error, model } = await ask("primary", false);
    expect(error).toMatchObject({ status, message: expect.stringContaining(message) });
    expect(model).toBe("primary");
    expect([primary.calls, second.calls]).toEqual([1, 0]);
  });

  test("a stream that dies after its first token: the caller has seen it", async () => {
    primary.behaviour = saysAndDies("half");
    const got = await ask("primary", true);
    expect(got).toMatchObject({
      text: "half",
      error: { code: "upstream_truncated" },
      model: "primary",
      fallback: null,
    });
    expect([primary.calls, second.calls]).toEqual([1, 0]);
  });
});

describe("when all have failed", () => {
  test("the caller gets the last one's words, and is told not to try it all again", async () => {
    primary.behaviour = refuses(500);
    second.behaviour = refuses(503, { message: "The second is down for maintenance." });
    const retrying = scene.openai.withOptions({ maxRetries: 2 });
    const error = await retrying.chat.completions
      .create({ model: "primary", messages })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 503, message: expect.stringContaining("down for maintenance") });
    expect((error as APIError).headers?.get("x-should-retry")).toBe("false");
    expect([primary.calls, second.calls]).toEqual([1, 1]);
    expect(await lastRecord()).toMatchObject({
      outcome: "failed",
      failed: [
        { name: "primary", reason: "server_error" },
        { name: "second", reason: "server_error" },
      ],
    });
  });
});
