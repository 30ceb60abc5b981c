import { afterEach, describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/step.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { chunkOf, lastChunk, startRawProvider, streamHead, wholeAnswer } from "./raw-provider.ts";
import type { RawProvider } from "./raw-provider.ts";
import { createModelRelay } from "./without-sockets.ts";

const key = `sk-${crypto.randomUUID()}`;
const json = { "content-type": "application/json" };
const events = [
  {
    id: "1",
    choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
  },
  { id: "1", choices: [{ index: 0, delta: { content: 'é𝄞 "usage":{ "finish_reason":"x' }, finish_reason: null }] },
  { id: "1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  {
    id: "1",
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } },
  },
];
const eventText = (list: readonly object[]) => list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

async function start(
  script: Parameters<typeof startRawProvider>[0],
  answer?: (event: AnswerEvent) => AnswerEvent,
): Promise<{ gateway: Harness; provider: RawProvider }> {
  const provider = await startRawProvider(script);
  const gateway = await startHarness({
    config: { models: { m: { provider: "openai-compatible", url: provider.url, key } } },
    ...(answer === undefined ? {} : { answer }),
  });
  running.push(gateway, provider);
  return { gateway, provider };
}

const ask = (gateway: Harness, stream = false) =>
  fetch(`${gateway.url}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "m", stream, messages: [{ role: "user", content: "hi" }] }),
  });

async function askRaw(script: Parameters<typeof startRawProvider>[0], stream = false) {
  const { gateway } = await start(script);
  const response = await ask(gateway, stream);
  return { response, text: await response.text(), gateway };
}

describe("a whole answer", () => {
  it("keeps every byte, its request id under another name, and loses what is the provider's own", async () => {
    const body =
      '{ "id":"x","big":9007199254740993,"2":1,"1":1.0,\n"usage":{"prompt_tokens":-1,"completion_tokens":"5","prompt_tokens_details":null},"choices":[]} ';
    const headers = {
      ...json,
      "x-request-id": "up-1",
      "set-cookie": "a=b",
      "openai-organization": "org-1",
      "x-ratelimit-remaining-tokens": "7",
      "openai-processing-ms": "12",
      server: "secret-engine",
    };
    const { response, text, gateway } = await askRaw((socket) => socket.write(wholeAnswer("200 OK", headers, body)));
    expect(text).toBe(body);
    expect(response.headers.get("x-upstream-request-id")).toBe("up-1");
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    expect(response.headers.get("openai-processing-ms")).toBe("12");
    for (const name of ["set-cookie", "openai-organization", "x-ratelimit-remaining-tokens", "server"])
      expect(response.headers.get(name)).toBeNull();
    // Counts that cannot be are not believed.
    expect(gateway.carried.at(-1)?.context.usage).toEqual({});
  });

  it.each([
    ["its own, not that of a member", '{"x":{"usage":{"prompt_tokens":9}},"usage":{"prompt_tokens":1}}'],
    ["the last of two", '{"usage":{"prompt_tokens":9},"usage":{"prompt_tokens":1}}'],
    ["not what a text says", '{"usage":{"prompt_tokens":1},"text":"\\"usage\\":{\\"prompt_tokens\\":9}","y":"usage"}'],
    ["its own, however the name is written", '{"us\\u0061ge":{"prompt_tokens":1},"Usage":{"prompt_tokens":9}}'],
  ])("has the usage that is %s", async (_, body) => {
    const { text, gateway } = await askRaw((socket) => socket.write(wholeAnswer("200 OK", json, body)));
    expect(text).toBe(body);
    expect(gateway.carried.at(-1)?.context.usage).toEqual({ inputTokens: 1 });
  });

  it.each([
    ["is not JSON", wholeAnswer("200 OK", json, "{"), "not valid JSON"],
    ["has no end", wholeAnswer("200 OK", json, '{"usage":{"prompt_tokens":1}'), "not valid JSON"],
    ["has a broken usage", wholeAnswer("200 OK", json, '{"usage":{"prompt_tokens":}}'), "not valid JSON"],
    ["is a list", wholeAnswer("200 OK", json, "[]"), "not a JSON object"],
    ["is a redirect", wholeAnswer("302 Found", { location: "http://169.254.169.254/" }, ""), "unexpected status 302"],
    ["is compressed", wholeAnswer("200 OK", { ...json, "content-encoding": "gzip" }, "x"), "compressed"],
  ])("that %s is an error", async (_, bytes, words) => {
    const { response, text } = await askRaw((socket) => socket.write(bytes));
    expect(response.status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({
      error: { code: "upstream_invalid", message: expect.stringContaining(words) },
    });
  });
});

describe("an error of the provider", () => {
  it.each(["401 Unauthorized", "403 Forbidden"])(
    "about the gateway's credential is the gateway's own trouble: %s",
    async (status) => {
      const { response, text } = await askRaw((socket) =>
        socket.write(
          wholeAnswer(status, json, JSON.stringify({ error: { message: `Incorrect API key provided: ${key}` } })),
        ),
      );
      expect(response.status).toBe(502);
      expect(JSON.parse(text)).toMatchObject({
        error: { code: "upstream_invalid", message: expect.stringContaining("refused the gateway's credential") },
      });
      expect(text).not.toContain(key);
    },
  );

  it("keeps status, bytes and retry headers when it is OpenAI-shaped", async () => {
    const body =
      '{"error":{"message":"slow down","type":"tokens","param":null,"code":"rate_limit_exceeded","extra":9007199254740993}}';
    const { response, text } = await askRaw((socket) =>
      socket.write(
        wholeAnswer(
          "429 Too Many Requests",
          { ...json, "retry-after": "3", "retry-after-ms": "2500", "x-should-retry": "true", "x-request-id": "up-2" },
          body,
        ),
      ),
    );
    expect(response.status).toBe(429);
    expect(text).toBe(body);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "retry-after": "3",
      "retry-after-ms": "2500",
      "x-should-retry": "true",
      "x-upstream-request-id": "up-2",
    });
  });

  it.each([
    ['{"error":"model is loading"}', "model is loading"],
    ['{"object":"error","message":"too long","code":400}', "too long"],
    ['{"detail":"bad prompt"}', "bad prompt"],
  ])("nearly in shape is put in shape: %s", async (body, message) => {
    const { response, text } = await askRaw((socket) => socket.write(wholeAnswer("400 Bad Request", json, body)));
    expect(response.status).toBe(400);
    expect(JSON.parse(text)).toEqual({ error: { message, type: "invalid_request_error", param: null, code: null } });
  });

  it("that quotes the gateway's key is replaced", async () => {
    const { response, text } = await askRaw((socket) =>
      socket.write(wholeAnswer("500 Oops", json, JSON.stringify({ error: { message: `bad header Bearer ${key}` } }))),
    );
    expect(response.status).toBe(502);
    expect(text).not.toContain(key);
  });

  it("in a stream that quotes the gateway's key is replaced", async () => {
    const { text } = await askRaw(
      (socket) =>
        socket.write(
          Buffer.concat([
            Buffer.from(streamHead),
            chunkOf(eventText([events[0] as object, { error: { message: key } }])),
            Buffer.from(lastChunk),
          ]),
        ),
      true,
    );
    expect(text).not.toContain(key);
    expect(text).toContain("The provider reported an error in its stream.");
  });
});

describe("a stream", () => {
  const whole = `: hello\n\n${eventText(events)}data: [DONE]\n\n`;
  const expected = `${eventText(events.slice(0, 3))}data: [DONE]\n\n`;

  it("comes out the same wherever its bytes were cut", async () => {
    const bytes = Buffer.from(whole);
    let at = 1;
    const { gateway } = await start((socket) => {
      const place = at;
      at += 7;
      socket.write(Buffer.concat([Buffer.from(streamHead), chunkOf(bytes.subarray(0, place))]));
      setImmediate(() => socket.write(Buffer.concat([chunkOf(bytes.subarray(place)), Buffer.from(lastChunk)])));
    });
    while (at < bytes.length) {
      expect(await (await ask(gateway, true)).text()).toBe(expected);
      expect(gateway.carried.at(-1)?.context.usage).toEqual({ inputTokens: 3, outputTokens: 4, cachedInputTokens: 2 });
    }
  });

  it("is over for the caller at [DONE], whatever the provider still says", async () => {
    const { gateway } = await start((socket) =>
      socket.write(Buffer.concat([Buffer.from(streamHead), chunkOf(`${whole}data: {"late":1}\n\n`)])),
    );
    expect(await (await ask(gateway, true)).text()).toBe(expected);
    expect(gateway.carried.at(-1)?.outcome.status).toBe("ok");
  });

  it("passes each event through the steps that look at answers, [DONE] as the last", async () => {
    const looked: [unknown, boolean][] = [];
    const { gateway } = await start(
      (socket) => socket.write(Buffer.concat([Buffer.from(streamHead), chunkOf(whole), Buffer.from(lastChunk)])),
      (event) => {
        looked.push([event.value, event.last]);
        return event.bytes.includes("é𝄞") ? { ...event, bytes: Buffer.from('{"masked":true}') } : event;
      },
    );
    const text = await (await ask(gateway, true)).text();
    expect(text).toBe(`${eventText([events[0] as object, { masked: true }, events[2] as object])}data: [DONE]\n\n`);
    expect(looked).toEqual([...events.map((event) => [event, false]), [undefined, true]]);
  });
});

describe("a server that numbers every call of a tool 0", () => {
  it("has them told apart by their ids for a caller of the other dialect", async () => {
    const call = (index: number, id: string, pieces: readonly string[]) =>
      pieces.map((piece, at) => ({
        id: "1",
        choices: [
          {
            index: 0,
            delta: {
              tool_calls: [
                {
                  index,
                  ...(at === 0 && { id, type: "function" }),
                  function: { ...(at === 0 && { name: "f" }), arguments: piece },
                },
              ],
            },
            finish_reason: null,
          },
        ],
      }));
    const stream = (second: number) =>
      `${eventText([...call(0, "a", ["", "{}"]), ...call(second, "b", ['{"n":', "1}"])])}${eventText([{ id: "1", choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] }])}data: [DONE]\n\n`;
    const relay = createModelRelay("anthropic", "openai");
    const [usual, odd] = await Promise.all(
      [1, 0].map(async (second) => relay.stream([Buffer.from(stream(second))], undefined)),
    );
    expect(odd?.failure).toBeUndefined();
    expect(odd?.arrived.toString()).toContain('"id":"b"');
    expect(odd?.arrived.toString()).toBe(usual?.arrived.toString());
  });
});
