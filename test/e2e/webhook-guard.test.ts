import type { ServerResponse } from "node:http";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collect, officialClient, textMessage } from "../a2a/clients.ts";
import { type GuardsScene, type Listening, listen, startGuardsScene } from "./guards-scene.ts";

/* A guard of the user's own on a real socket, in front of everything. */

interface Asked {
  readonly body: {
    readonly messages?: readonly Message[];
    readonly choices?: readonly { readonly message: Message }[];
  };
}
interface Message {
  readonly role: string;
  readonly content: string;
}

let guard: Listening;
let scene: GuardsScene;
let openai: OpenAI;
let decide: (asked: Asked["body"], response: ServerResponse) => void;
const asked: Asked["body"][] = [];

const act = (response: ServerResponse, action: object) =>
  void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ action }));
const clean = (message: Message): Message => ({ ...message, content: message.content.replaceAll("secret", "******") });

/** What a guard usually does: takes a word out of whatever it is shown, and refuses another. */
const usual: typeof decide = (body, response) => {
  const text = JSON.stringify(body);
  if (text.includes("forbidden")) act(response, { body: "Not here.", status_code: 403 });
  else if (!text.includes("secret")) act(response, { reason: "clean" });
  else if (body.messages !== undefined) act(response, { body: { messages: body.messages.map(clean) } });
  else act(response, { body: { choices: body.choices?.map(({ message }) => ({ message: clean(message) })) } });
};

beforeAll(async () => {
  decide = usual;
  guard = await listen((body, response) => {
    const { body: shown } = JSON.parse(body) as Asked;
    asked.push(shown);
    decide(shown, response);
  });
  scene = await startGuardsScene(
    `[{type: webhook, url: "${guard.url}", direction: both, timeout: 400ms, message: "Could not be checked."}]`,
  );
  openai = new OpenAI({
    baseURL: `${scene.url}/v1`,
    apiKey: "none",
    maxRetries: 0,
    defaultHeaders: { authorization: null },
  });
}, 60_000);
afterAll(async () => {
  await scene.close();
  await guard.close();
});

const say = (...pieces: string[]) => {
  decide = usual;
  asked.length = 0;
  scene.script.pieces = pieces;
  scene.script.heard.length = 0;
};
const user = (content: string) => [{ role: "user" as const, content }];

async function streamed(model: string, content = "go"): Promise<{ shown: string; args: string }> {
  let [shown, args] = ["", ""];
  for await (const { choices } of await openai.chat.completions.create({
    model,
    messages: user(content),
    stream: true,
  })) {
    shown += choices[0]?.delta.content ?? "";
    args += choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? "";
  }
  return { shown, args };
}

describe.each(["gpt", "claude"])("with the model %s", (model) => {
  test("it masks requests and answers, streams too: each text is whole when it is shown", async () => {
    say("the sec", "ret is o", "ut");
    const whole = await openai.chat.completions.create({ model, messages: user("my secret") });
    expect(whole.choices[0]?.message.content).toBe("the ****** is out");
    expect(scene.script.heard.join()).toContain("my ******");
    asked.length = 0;
    const { shown, args } = await streamed(model);
    expect(shown).toBe("the ****** is out");
    expect(JSON.parse(args)).toEqual({ said: "the ****** is out" });
    expect(asked.flatMap(({ choices }) => choices?.map(({ message }) => message.content) ?? [])).toEqual([
      "the secret is out",
      '{"said":"the secret is out"}',
    ]);
  });

  test("it refuses requests, so that nobody is asked, and answers, so that none of them is shown", async () => {
    say("some", "thing forb", "idden");
    await expect(openai.chat.completions.create({ model, messages: user("forbidden") })).rejects.toMatchObject({
      status: 403,
      error: { message: "Not here." },
    });
    expect(scene.script.heard).toEqual([]);
    await expect(openai.chat.completions.create({ model, messages: user("go") })).rejects.toThrow("Not here.");
    await expect(streamed(model)).rejects.toThrow("Not here.");
  });
});

test.each([
  ["1.0", "agent", false],
  ["0.3", "legacy", true],
] as const)("it masks the streamed artifacts of an agent of A2A %s", async (_, name, legacy) => {
  say("the sec", "ret is o", "ut");
  const client = await officialClient(`${scene.url}/a2a/${name}`, "", legacy);
  const events = JSON.stringify(await collect(client.sendMessageStream(textMessage("my secret"))));
  expect(events).toContain("the ****** is out");
  expect(events).not.toContain("secret");
  expect(scene.script.heard.join()).toContain("my ******");
});

/* Last: the breaker remembers them. */
test.each([
  ["hangs", () => {}],
  ["resets the connection", (response: ServerResponse) => void response.destroy()],
  ["answers 500", (response: ServerResponse) => void response.writeHead(500).end("oops")],
  ["answers garbage", (response: ServerResponse) => void response.writeHead(200).end("<html>")],
  ["answers without end", (response: ServerResponse) => void response.writeHead(200).write("x".repeat(1_000_000))],
])("while it %s the call is refused, with a status, and nobody is asked; an answer is not shown", async (_, fault) => {
  say("all is well");
  const refused = { status: 403, error: { message: "Could not be checked." } };
  decide = (_body, response) => fault(response);
  await expect(openai.chat.completions.create({ model: "gpt", messages: user("hi") })).rejects.toMatchObject(refused);
  expect(scene.script.heard).toEqual([]);
  decide = ({ messages }, response) => (messages === undefined ? fault(response) : act(response, {}));
  await expect(streamed("gpt", "hi")).rejects.toThrow("Could not be checked.");
  expect(scene.script.heard).toHaveLength(1);
});
