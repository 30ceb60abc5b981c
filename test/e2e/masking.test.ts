import Anthropic from "@anthropic-ai/sdk";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { currentCard, event, json, openStream, startRawAgent } from "../a2a/raw-agent.ts";
import { valuesIn } from "../guardrails/pii/marked.ts";
import { type RunningServer, startServer } from "../mcp/start-server.ts";
import { type EchoProvider, startEchoProvider } from "./echo-provider.ts";
import { type Scene, startScene } from "./fallback-scene.ts";

/* Both official SDKs through gateways that differ in the guard alone, to one provider that says again what it was told. */

const keyOf = (name: string) => `sp_${name}_${crypto.randomUUID()}`;
const people = { alice: keyOf("alice"), mallory: keyOf("mallory") } as const;
type Person = keyof typeof people;

let provider: EchoProvider;
let guarded: Scene;
let notes: RunningServer;
let agent: Awaited<ReturnType<typeof startRawAgent>>;
let plain: Scene;
/** Masks where the configuration does not say otherwise. */
let usual: Scene;

beforeAll(async () => {
  provider = await startEchoProvider();
  agent = await startRawAgent(currentCard);
  notes = await startServer("tools/notes/server.ts");
  const keys = Object.entries(people).map(([name, secret]) => `${name}: { secret: "${secret}", tenant: acme }`);
  const entry = (name: string) => `${name}: { provider: ${name}, url: "${provider.url}", key: k, model: echo }`;
  const common = {
    auth: `{ keys: { ${keys.join(", ")} } }`,
    models: `{ ${entry("openai")}, ${entry("anthropic")} }`,
    egress: "{ allow: [127.0.0.1] }",
    mcp: `{ servers: { notes: { url: "${notes.url}" } }, routes: { /mcp: { servers: [notes] } } }`,
    a2a: `{ agents: { raw: { url: "${agent.url}" } } }`,
  };
  plain = await startScene(common);
  guarded = await startScene({
    ...common,
    guardrails: "[{ type: pii, mask: [email, phone, card, iban, ssn, api-key], restore: true, on: [llm, mcp, a2a] }]",
  });
  usual = await startScene({ ...common, guardrails: "[{ type: pii, mask: [email, phone], restore: true }]" });
}, 30_000);

afterAll(async () => {
  await guarded.close();
  await usual.close();
  await plain.close();
  await provider.close();
  await agent.close();
  await notes.close();
});

const openaiOf = ({ url }: Scene, person: Person = "alice") =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: people[person], maxRetries: 0 });
const anthropicOf = ({ url }: Scene, person: Person = "alice") =>
  new Anthropic({ baseURL: url, apiKey: people[person], maxRetries: 0 });

const values = [
  "alice@example.com",
  "Bob.Smith@example.org",
  "+1 415 555 0123",
  "4111 1111 1111 1111",
  "4111111111111111",
  "DE89 3704 0044 0532 0130 00",
  "078-05-1120",
];

/** What one call said, put together from its pieces. */
interface Said {
  readonly text: string;
  readonly args: string;
}

/** A conversation of several turns with a tool, in each dialect; every kind of text has a value. */
const [alice, bob, phone, card, plainCard, iban, ssn] = values as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];
const openaiTurns: OpenAI.ChatCompletionMessageParam[] = [
  { role: "system", content: `Serve ${alice} "well".` },
  { role: "user", content: [{ type: "text", text: `Write to ${bob} and ${alice}: call ${phone} 😀` }] },
  {
    role: "assistant",
    content: `I will write to ${bob}.`,
    tool_calls: [
      {
        id: "t1",
        type: "function",
        function: { name: "write", arguments: `{"to":"${bob}","card":${plainCard},"n":"a\\n\\"${card}\\""}` },
      },
    ],
  },
  { role: "tool", tool_call_id: "t1", content: `{"sent":"${bob}","account":"${iban}"}` },
  { role: "user", content: `My number is ${ssn}; EMAIL_7K2M9Q4R3T and [EMAIL_7K2M9Q4R3T] are words of mine. ${alice}` },
];
const anthropicTurns: Anthropic.MessageParam[] = [
  { role: "user", content: `Write to ${bob} and ${alice}: call ${phone} 😀` },
  {
    role: "assistant",
    content: [
      { type: "text", text: `I will write to ${bob}.` },
      { type: "tool_use", id: "t1", name: "write", input: { to: bob, card: Number(plainCard), n: `a\n"${card}"` } },
    ],
  },
  {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "t1", content: `{"sent":"${bob}","account":"${iban}"}` }],
  },
  { role: "user", content: `My number is ${ssn}; EMAIL_7K2M9Q4R3T and [EMAIL_7K2M9Q4R3T] are words of mine. ${alice}` },
];
const parameters = {
  type: "object" as const,
  properties: { text: { type: "string" }, to: { enum: [alice, bob], description: `Such as ${bob}` } },
};

async function askOpenai(scene: Scene, model: string, stream: boolean, tools: boolean): Promise<Said> {
  const call = {
    model,
    messages: openaiTurns,
    user: alice,
    ...(tools && { tools: [{ type: "function" as const, function: { name: "write", parameters } }] }),
  };
  if (!stream) {
    const message = (await openaiOf(scene).chat.completions.create(call)).choices[0]?.message;
    const made = message?.tool_calls?.[0];
    return { text: message?.content ?? "", args: made?.type === "function" ? made.function.arguments : "" };
  }
  let [text, args] = ["", ""];
  for await (const { choices } of await openaiOf(scene).chat.completions.create({ ...call, stream: true })) {
    text += choices[0]?.delta.content ?? "";
    args += choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? "";
  }
  return { text, args };
}

async function askAnthropic(scene: Scene, model: string, stream: boolean, tools: boolean): Promise<Said> {
  const call = {
    model,
    max_tokens: 500,
    system: `Serve ${alice} "well".`,
    messages: anthropicTurns,
    metadata: { user_id: alice },
    ...(tools && { tools: [{ name: "write", input_schema: parameters }] }),
  };
  const message = stream
    ? await anthropicOf(scene).messages.stream(call).finalMessage()
    : await anthropicOf(scene).messages.create(call);
  const text = message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
  const used = message.content.find((block) => block.type === "tool_use");
  return { text, args: used === undefined ? "" : JSON.stringify(used.input) };
}

const clients = { "the OpenAI SDK": askOpenai, "the Anthropic SDK": askAnthropic } as const;
const pairs = Object.entries(clients).flatMap(([name, ask]) =>
  ["openai", "anthropic"].map((model) => [name, model, ask] as const),
);

/** Pieces of 1 to 7 characters. */
const small = (text: string): string[] =>
  text.match(/.{1,3}|\n/gsu)?.flatMap((piece, index) => (index % 3 === 0 ? piece.split("") : [piece])) ?? [];

describe.each(pairs)("%s with a provider that speaks the %s dialect", (_name, model, ask) => {
  test.each([
    ["a whole answer", false, false],
    ["a streamed answer", true, false],
    ["a whole tool call", false, true],
    ["a streamed tool call", true, true],
  ])(
    "gets in %s exactly what an unmasked model would have said, and the provider no value",
    async (_what, stream, tools) => {
      provider.cut = small;
      const expected = await ask(plain, model, stream, tools);
      expect(values.filter((value) => expected.text.includes(value) || expected.args.includes(value))).toEqual(values);
      provider.bodies.length = 0;
      expect(await ask(guarded, model, stream, tools)).toEqual(expected);
      expect(provider.bodies).toHaveLength(1);
      for (const value of values) expect(provider.bodies[0]).not.toContain(value);
    },
  );
});

describe("a stream", () => {
  test.each(["openai", "anthropic"])(
    "of the %s dialect is restored at every split point of its texts",
    async (model) => {
      const client = openaiOf(guarded);
      const content = "I am alice@example.com 😀 and [EMAIL_7K2M9Q4R3T]";
      const tools = [{ type: "function" as const, function: { name: "write", parameters } }];
      let longest = 1;
      for (let at = 0; at <= longest; at++) {
        provider.cut = (text) => {
          longest = Math.max(longest, text.length);
          return [text.slice(0, at), text.slice(at)];
        };
        let [text, args] = ["", ""];
        const stream = await client.chat.completions.create({
          model,
          messages: [{ role: "user", content }],
          tools,
          stream: true,
        });
        for await (const { choices } of stream) {
          text += choices[0]?.delta.content ?? "";
          args += choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? "";
        }
        expect(text, `cut at ${at}`).toBe(content);
        expect(JSON.parse(args), `cut at ${at}`).toEqual({ text: content, list: [content, 4] });
      }
      expect(longest).toBeGreaterThan(80);
    },
    60_000,
  );
});

describe("several people", () => {
  const say = async (person: Person, content: string): Promise<string> => {
    const messages = [{ role: "user" as const, content }];
    const answer = await openaiOf(guarded, person).chat.completions.create({ model: "openai", messages });
    return answer.choices[0]?.message.content ?? "";
  };
  const lastSent = () =>
    (JSON.parse(provider.bodies.at(-1) ?? "") as { messages: { content: string }[] }).messages[0]?.content ?? "";

  test("never get what another has sent, even with its token in hand", async () => {
    await say("alice", "I am alice@example.com");
    const token = lastSent().slice("I am ".length);
    expect(token).toMatch(/^\[EMAIL_/);
    const asked = `I am mallory@example.com. Who is ${token}, or ${token.slice(1, -1).toLowerCase()}?`;
    expect(await say("mallory", asked)).toBe(asked);
    expect(lastSent()).not.toContain(token.slice(1, -1));
  });

  test("each get their own, at the same time", async () => {
    const asked = Array.from(
      { length: 40 },
      (_, index) => `I am person${index}@example.com, +1 415 555 0${100 + index}.`,
    );
    provider.bodies.length = 0;
    expect(await Promise.all(asked.map((text, index) => say(index % 2 === 0 ? "alice" : "mallory", text)))).toEqual(
      asked,
    );
    expect(provider.bodies.filter((body) => body.includes("@example.com"))).toEqual([]);
    expect(new Set(provider.bodies.map((body) => /EMAIL_\w+/.exec(body)?.[0])).size).toBe(40);
  });
});

describe("long conversations of several people at once", () => {
  const turns = 8;
  /* What a person says in a turn: their own values, those of another, and some that come again. */
  const spoken = (who: string, turn: number): string =>
    [
      `I am ${who}@example.com, turn ${turn}. Call +1 415 555 01${10 + turn} 😀`,
      `${who}${turn}@example.org wrote "${who}@example.com\\n" to ${bob}; card ${card}`,
      `IBAN ${iban} of ${alice}? [EMAIL_7K2M9Q4R3T] is mine; ${who.toUpperCase()}@EXAMPLE.COM too`,
    ][turn % 3] ?? "";

  async function converseOpenai(scene: Scene, person: Person, who: string, model: string): Promise<unknown[]> {
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: "system", content: `You serve ${who}@example.com.` },
    ];
    const tools = [{ type: "function" as const, function: { name: "write", parameters: { type: "object" } } }];
    const openai = openaiOf(scene, person).chat.completions;
    for (let turn = 0; turn < turns; turn++) {
      messages.push({ role: "user", content: spoken(who, turn) });
      const call = { model, messages, ...(turn % 2 === 1 && { tools }) };
      const { choices } = turn % 4 > 1 ? await openai.stream(call).finalChatCompletion() : await openai.create(call);
      const { content = null, tool_calls = [] } = choices[0]?.message ?? {};
      messages.push({ role: "assistant", content, ...(tool_calls.length > 0 && { tool_calls }) });
      for (const made of tool_calls)
        if (made.type === "function")
          messages.push({
            role: "tool",
            tool_call_id: made.id,
            content: `did ${made.function.arguments.slice(0, 200)}`,
          });
    }
    return messages;
  }

  async function converseAnthropic(scene: Scene, person: Person, who: string, model: string): Promise<unknown[]> {
    const messages: Anthropic.MessageParam[] = [];
    const tools = [{ name: "write", input_schema: { type: "object" as const } }];
    const anthropic = anthropicOf(scene, person).messages;
    let results: Anthropic.ToolResultBlockParam[] = [];
    for (let turn = 0; turn < turns; turn++) {
      messages.push({ role: "user", content: [...results, { type: "text", text: spoken(who, turn) }] });
      const system = `You serve ${who}@example.com.`;
      const call = { model, max_tokens: 500, system, messages, ...(turn % 2 === 1 && { tools }) };
      const { content } = turn % 4 > 1 ? await anthropic.stream(call).finalMessage() : await anthropic.create(call);
      messages.push({ role: "assistant", content });
      results = content.flatMap((block) =>
        block.type === "tool_use"
          ? [
              {
                type: "tool_result",
                tool_use_id: block.id,
                content: `did ${JSON.stringify(block.input).slice(0, 200)}`,
              },
            ]
          : [],
      );
    }
    return messages;
  }

  test.each([
    ["OpenAI", "openai", converseOpenai],
    ["OpenAI", "anthropic", converseOpenai],
    ["Anthropic", "openai", converseAnthropic],
    ["Anthropic", "anthropic", converseAnthropic],
  ] as const)(
    "of the %s SDK with a provider of the %s dialect are those that an unmasked model would have had",
    async (_, model, converse) => {
      provider.cut = small;
      provider.heeds = (told) => told.slice(-3);
      const all = (scene: Scene) =>
        Promise.all(
          (["dora", "emil", "fay"] as const).map((who, index) =>
            converse(scene, index === 1 ? "mallory" : "alice", who, model),
          ),
        );
      const expected = await all(plain);
      provider.bodies.length = 0;
      expect(await all(guarded)).toEqual(expected);
      provider.heeds = (told) => told;
      expect(provider.bodies).toHaveLength(3 * turns);
      for (const body of provider.bodies) {
        expect(valuesIn(body)).toEqual([]);
        expect(body).not.toMatch(/@example|415 555|4111|DE89/i);
      }
      expect(JSON.stringify(expected)).toContain("fay4@example.org");
    },
  );
});

describe("thoughts that the provider has signed", () => {
  const asked = { role: "user" as const, content: `Write to ${alice} or ${bob}: ${phone}` };
  const thinking = { thinking: { type: "adaptive" as const } };
  const thought = `They said: ${asked.content}`;

  test.each([false, true])(
    "are read with their values, and given back are those that were signed, streamed: %s",
    async (stream) => {
      provider.cut = small;
      const { messages } = anthropicOf(guarded);
      const ask = (turns: Anthropic.MessageParam[]) => {
        const call = { model: "anthropic", max_tokens: 500, messages: turns, ...thinking };
        return stream ? messages.stream(call).finalMessage() : messages.create(call);
      };
      const first = await ask([asked]);
      expect(first.content[0]).toMatchObject({ type: "thinking", thinking: thought });
      const second = await ask([
        asked,
        { role: "assistant", content: first.content },
        { role: "user", content: "And?" },
      ]);
      expect(second.content.at(-1)).toMatchObject({ text: expect.stringContaining("And?") as string });
      for (const body of provider.bodies.slice(-2))
        for (const value of [alice, bob, phone]) expect(body).not.toContain(value);
    },
  );

  test("are that for a caller of the OpenAI dialect as well", async () => {
    const { completions } = openaiOf(guarded).chat;
    const ask = (messages: OpenAI.ChatCompletionMessageParam[]) =>
      completions.create({
        model: "anthropic",
        messages,
        ...thinking,
      } as OpenAI.ChatCompletionCreateParamsNonStreaming);
    const { message } = (await ask([asked])).choices[0] ?? {};
    expect(message).toMatchObject({ reasoning_content: thought, thinking_blocks: [{ thinking: thought }] });
    if (message === undefined) return;
    const { choices } = await ask([asked, message, { role: "user", content: "And?" }]);
    expect(choices[0]?.message.content).toContain("And?");
    expect(provider.bodies.at(-1)).not.toContain(alice);
  });
});

describe("what surrounds a call", () => {
  test("tells the provider no value when tokens are counted", async () => {
    provider.bodies.length = 0;
    const counted = await anthropicOf(guarded).messages.countTokens({ model: "anthropic", messages: anthropicTurns });
    expect(counted.input_tokens).toBe(7);
    for (const value of values) expect(provider.bodies[0]).not.toContain(value);
  });

  test("has no value in the journal", async () => {
    await openaiOf(guarded).chat.completions.create({ model: "openai", messages: openaiTurns });
    const journal = JSON.stringify(await guarded.admin("/api/journal?limit=100"));
    expect(journal).toContain("chat.completions");
    for (const value of values) expect(journal).not.toContain(value);
  });
});

async function mcpClientOf({ url }: Scene): Promise<Client> {
  const client = new Client({ name: "e2e", version: "1.0.0" });
  const headers = { authorization: `Bearer ${people.alice}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  return client;
}

test.each(["openai", "anthropic"])(
  "an agent's loop works where nothing but models is masked: the %s model picks a tool with a token, the tool gets the value, the model hears of it as a token",
  async (model) => {
    const client = await mcpClientOf(usual);
    provider.bodies.length = 0;
    const asked = `Note for ${alice}: call ${phone}`;
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: asked }];
    const tools = [{ type: "function" as const, function: { name: "write_note", parameters } }];
    const ask = async () =>
      (await openaiOf(usual).chat.completions.create({ model, messages, tools })).choices[0]?.message;
    const chosen = await ask();
    const made = chosen?.tool_calls?.[0];
    if (chosen === undefined || made?.type !== "function") throw new Error("no tool was picked");
    const { text } = JSON.parse(made.function.arguments) as { text: string };
    expect(text).toBe(asked);
    await client.callTool({ name: "write_note", arguments: { id: `of ${model}`, text } });
    const kept = await client.callTool({ name: "read_note", arguments: { id: `of ${model}` } });
    expect(kept.content).toEqual([{ type: "text", text: asked }]);
    messages.push(chosen, { role: "tool", tool_call_id: made.id, content: JSON.stringify(kept.content) });
    expect((await ask())?.content).toContain(JSON.stringify(asked).slice(1, -1));
    expect(provider.bodies).toHaveLength(2);
    for (const body of provider.bodies) for (const value of [alice, phone]) expect(body).not.toContain(value);
    await client.close();
  },
);

test("a tool is told tokens where that is asked for, and its answer gives back what this very call has sent", async () => {
  const client = await mcpClientOf(guarded);
  const call = (name: string, parameters: Record<string, string>) => client.callTool({ name, arguments: parameters });
  const kept = await call("write_note", { id: alice, text: `Write to ${bob}` });
  expect(kept.content).toEqual([{ type: "text", text: `kept ${alice}` }]);
  const read = await call("read_note", { id: alice });
  expect(read.content).toEqual([{ type: "text", text: expect.stringMatching(/^Write to \[EMAIL_\w+\]$/) }]);
  await client.close();
});

test("an agent is told tokens where that is asked for, and its messages, streamed artifacts too, give back what its caller has sent", async () => {
  const text = `Ask ${alice} or ${phone}`;
  const ask = async (method: string): Promise<string> => {
    const message = { messageId: "m", role: "ROLE_USER", parts: [{ text }] };
    const answer = await fetch(`${guarded.url}/a2a/raw`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${people.alice}`,
        "content-type": "application/json",
        "a2a-version": "1.0",
        accept: "text/event-stream, application/json",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { message } }),
    });
    return answer.text();
  };
  const toldTo = (params: unknown) =>
    (params as { message: { parts: { text: string }[] } }).message.parts[0]?.text ?? "";

  agent.answer = ({ id, params }, response) =>
    json(response, {
      jsonrpc: "2.0",
      id,
      result: { message: { messageId: "a", role: "ROLE_AGENT", parts: [{ text: toldTo(params) }] } },
    });
  expect(JSON.parse(await ask("SendMessage"))).toMatchObject({ result: { message: { parts: [{ text }] } } });

  agent.answer = ({ id, params }, response) => {
    openStream(response);
    const [taskId, contextId] = ["t", "c"];
    response.write(event(id, { task: { id: taskId, contextId, status: { state: "TASK_STATE_WORKING" } } }));
    for (const [index, piece] of small(toldTo(params)).entries()) {
      const artifact = { artifactId: "x", parts: [{ text: piece }] };
      response.write(
        event(id, { artifactUpdate: { taskId, contextId, artifact, append: index > 0, lastChunk: false } }),
      );
    }
    response.end(event(id, { statusUpdate: { taskId, contextId, status: { state: "TASK_STATE_COMPLETED" } } }));
  };
  const streamed = await ask("SendStreamingMessage");
  const pieces = [...streamed.matchAll(/"text":("(?:[^"\\]|\\.)*")/g)].map(
    ([, piece = '""']) => JSON.parse(piece) as string,
  );
  expect(pieces.join("")).toBe(text);
  for (const { body } of agent.seen) for (const value of values) expect(body).not.toContain(value);
});
