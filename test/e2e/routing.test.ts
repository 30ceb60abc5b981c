import Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis, type RedisServer } from "../state/redis-server.ts";
import { eventually } from "./eventually.ts";
import { refuses, says, startProvider, startScene, type Provider, type Scene } from "./fallback-scene.ts";
import { callsTools } from "./tool-caller.ts";

const easy = "What is the capital of France?";
const hard =
  "Fix this: ```js\nfor (let i=0;i<=a.length;i++) { total += a[i].price * (1 + tax); }\n```\nWhy is the total NaN, and how would you refactor it with reduce without changing its behaviour for empty arrays?";

const open: { close(): Promise<void> }[] = [];
let large: Provider;
let small: Provider;

beforeEach(async () => {
  large = await startProvider(says("from large"));
  small = await startProvider(says("from small"));
  open.push(large, small);
});
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

const rules = '[{ when: "llm.complexity > 0.6", use: large }]';

const models = (choose = rules, more = "") => `
  large: { provider: vllm, url: "${large.url}", price: { input: "$10", output: "$30" } }
  small: { provider: vllm, url: "${small.url}", price: { input: "$1", output: "$3" } }
  smart: { choose: ${choose}, otherwise: small${more} }`;

async function start(choose?: string, more?: string, branches: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const scene = await startScene({ models: models(choose, more), ...branches });
  open.push(scene);
  return scene;
}

const user = (content: string) => ({ role: "user" as const, content });

async function ask(scene: Scene, content: string, more: object = {}) {
  const asked = scene.openai.chat.completions.create({ model: "smart", messages: [user(content)], ...more });
  const { data, response } = await asked.withResponse();
  return {
    text: data.choices[0]?.message.content,
    model: response.headers.get("x-sallyport-model"),
    route: response.headers.get("x-sallyport-route"),
  };
}

interface Page {
  readonly records: readonly { readonly candidate?: string; readonly notes?: readonly string[] }[];
}
const lastRecord = async (scene: Scene) => ((await scene.admin("/api/journal?limit=1")) as Page).records[0];

describe("a virtual model", () => {
  test("sends an easy and a hard question to different models, and says why", async () => {
    const scene = await start();
    expect(await ask(scene, easy)).toEqual({
      text: "from small",
      model: "small",
      route: expect.stringMatching(/^otherwise, complexity=0\.\d{3}$/) as string,
    });
    expect(await lastRecord(scene)).toMatchObject({
      candidate: "small",
      notes: [expect.stringMatching(/^smart chose small: no rule held, complexity 0\.\d{3}$/)],
    });
    expect(await ask(scene, hard)).toEqual({
      text: "from large",
      model: "large",
      route: expect.stringMatching(/^rule=1, complexity=0\.\d{3}$/) as string,
    });
    expect((JSON.parse(large.lastBody) as { model: string }).model).toBe("large");
    expect((await scene.metric("routing_choices_total")).toSorted()).toEqual([
      'routing_choices_total{model="smart",chosen="large",reason="rule"} 1',
      'routing_choices_total{model="smart",chosen="small",reason="otherwise"} 1',
    ]);
    expect(await scene.metric("routing_complexity_count")).toEqual(['routing_complexity_count{model="smart"} 2']);
  });

  test("streams from the model it chose", async () => {
    const scene = await start();
    const stream = await scene.openai.chat.completions.create({ model: "smart", messages: [user(hard)], stream: true });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    expect(text).toBe("from large");
    expect(small.calls).toBe(0);
  });

  test("is chosen for in Anthropic's dialect too", async () => {
    const scene = await start();
    const anthropic = new Anthropic({ baseURL: scene.url, apiKey: scene.openai.apiKey, maxRetries: 0 });
    for (const [content, said] of [
      [easy, "from small"],
      [hard, "from large"],
    ] as const) {
      const answer = await anthropic.messages.create({ model: "smart", max_tokens: 50, messages: [user(content)] });
      expect(answer.content).toMatchObject([{ type: "text", text: said }]);
    }
  });

  test("counts tokens, and chooses among pools as among providers", async () => {
    const scene = await startScene({
      models: `
  large: { pool: local, model: llama-70b }
  small: { provider: vllm, url: "${small.url}" }
  smart: { choose: ${rules}, otherwise: small }`,
      pools: `{ local: { engine: vllm, endpoints: ["${large.url}"] } }`,
    });
    open.push(scene);
    expect(await ask(scene, hard)).toMatchObject({ model: "large", text: "from large" });
    expect((JSON.parse(large.lastBody) as { model: string }).model).toBe("llama-70b");
    const anthropic = new Anthropic({ baseURL: scene.url, apiKey: scene.openai.apiKey, maxRetries: 0 });
    const counted = await anthropic.messages.countTokens({ model: "smart", messages: [user(hard)] });
    expect(counted.input_tokens).toBeGreaterThan(20);
  });

  test("is listed, and `completions` are chosen for, but vectors are not mixed", async () => {
    const scene = await start();
    const listed: string[] = [];
    for await (const { id, owned_by } of scene.openai.models.list()) listed.push(`${id} of ${owned_by}`);
    expect(listed).toEqual(["large of vllm", "small of vllm", "smart of sallyport"]);
    await expect(scene.openai.embeddings.create({ model: "smart", input: "x" })).rejects.toMatchObject({
      status: 400,
      param: "model",
    });
  });

  test("falls back to `otherwise` when the chosen model fails, and says so", async () => {
    const scene = await start();
    large.behaviour = refuses(500);
    const { response } = await scene.openai.chat.completions
      .create({ model: "smart", messages: [user(hard)] })
      .withResponse();
    expect(
      Object.fromEntries(
        ["x-sallyport-model", "x-sallyport-fallback"].map((name) => [name, response.headers.get(name)]),
      ),
    ).toEqual({
      "x-sallyport-model": "small",
      "x-sallyport-fallback": "server_error",
    });
    expect(response.headers.get("x-sallyport-route")).toMatch(/^rule=1/);
  });

  test("asks whom policy allows: `otherwise` where the chosen one is denied, and both names must be allowed", async () => {
    const scene = await startScene({
      models: `
  second: { provider: vllm, url: "${large.url}" }
  small: { provider: vllm, url: "${small.url}" }
  smart: { choose: [{ when: "true", use: second }], otherwise: small }
  sealed: { choose: [{ when: "true", use: second }], otherwise: second }`,
      policies: "rules.yaml",
    });
    open.push(scene);
    expect(await ask(scene, hard)).toMatchObject({ model: "small", route: "rule=1" });
    expect(large.calls).toBe(0);
    await expect(ask(scene, hard, { model: "sealed" })).rejects.toMatchObject({ status: 404 });
    const listed = (await scene.openai.models.list()).data.map(({ id }) => id);
    expect(listed).toEqual(["small", "smart"]);
  });

  test("is charged at the price of the model that was asked, under that model's limits", async () => {
    const scene = await start(rules, "", {
      budgets: '[{ name: team-a, limits: ["1 calls/hour on large", "$100/day"], onExhausted: fallback }]',
    });
    expect(await ask(scene, hard)).toMatchObject({ model: "large" });
    expect(await lastRecord(scene)).toMatchObject({ costNanos: 3 * 10_000 + 2 * 30_000 });
    expect(await ask(scene, hard)).toMatchObject({ model: "small" });
    expect(await lastRecord(scene)).toMatchObject({ costNanos: 3 * 1_000 + 2 * 3_000 });
  });

  test("never fails a call for a rule that fails, and says which did", async () => {
    const scene = await start(
      `[{ when: "principal.claims.no.such == 1", use: large }, { when: "llm.cost > 0.0", use: large }, { when: "true", use: large }]`,
    );
    expect(await ask(scene, easy)).toMatchObject({ model: "large", route: "rule=3" });
    expect((await lastRecord(scene))?.notes).toEqual([
      "smart: rule 1 failed and did not hold: No such key: no",
      expect.stringMatching(/^smart: rule 2 failed and did not hold: nobody can say what this call costs/),
      "smart chose large: rule 3",
    ]);
    expect((await scene.metric("routing_rule_failures_total")).toSorted()).toEqual([
      'routing_rule_failures_total{model="smart",rule="1"} 1',
      'routing_rule_failures_total{model="smart",rule="2"} 1',
    ]);
  });

  test("is given kept answers of the model it chooses, and of no other", async () => {
    const scene = await start(rules, "", { cache: "{ models: [smart] }" });
    const status = async (content: string) => {
      const asked = scene.openai.chat.completions.create({ model: "smart", messages: [user(content)] });
      const { response } = await asked.withResponse();
      const [model, route, cache] = ["model", "route"]
        .map((name) => response.headers.get(`x-sallyport-${name}`))
        .concat(response.headers.get("cache-status"));
      return `${model}, ${route?.replace(/[\d.]+$/, "")}, ${cache?.replace(/\d+/, "")}`;
    };
    expect(await status(hard)).toBe("large, rule=1, complexity=, sallyport; fwd=miss; stored");
    expect(await status(hard)).toBe("large, rule=1, complexity=, sallyport; hit; ttl=");
    expect(await status(easy)).toMatch(/^small, otherwise.*fwd=miss/);
    expect([large.calls, small.calls]).toEqual([1, 1]);
  });

  test("is given nothing that one who stepped in had said, once that is another", async () => {
    const scene = await start(rules, "", { cache: "{}" });
    const text = async () => (await ask(scene, hard)).text;
    large.behaviour = refuses(500);
    expect([await text(), await text(), small.calls]).toEqual(["from small", "from small", 1]);
    small.behaviour = says("from its next version");
    await scene.reload({ models: models().replace("small: { provider: vllm", "small: { provider: vllm, model: next") });
    expect(await text()).toBe("from its next version");
  });

  test("in shadow mode asks `otherwise`, and tells what it would have chosen and what that would have cost", async () => {
    const scene = await start(rules, ", mode: shadow");
    expect(await ask(scene, hard)).toEqual({ text: "from small", model: "small", route: null });
    expect((await lastRecord(scene))?.notes).toEqual([
      expect.stringMatching(/^smart would have chosen large: rule 1, complexity 0\.\d{3}$/),
      "for as many tokens large would have cost $0.000081 more",
    ]);
    expect(await scene.metric("routing_shadow")).toEqual([
      'routing_shadow_choices_total{model="smart",chosen="large"} 1',
      'routing_shadow_dollars_total{model="smart",way="added"} 0.000081',
    ]);
    expect(await scene.metric("routing_choices_total")).toEqual([]);
  });
});

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;

const tools = [
  { type: "function" as const, function: { name: "look", parameters: { type: "object", properties: {} } } },
];

/** An agent that does as it is told until it is told no more, a gateway of `scenes` after the other. Gives the models that answered. */
async function runAgent(
  scenes: readonly Scene[],
  question: string,
  stream: boolean,
): Promise<readonly (string | null)[]> {
  const messages: Message[] = [user(question)];
  const models: (string | null)[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const { openai } = scenes[turn % scenes.length] as Scene;
    const request = { model: "smart", messages, tools };
    let message: OpenAI.Chat.Completions.ChatCompletionMessage;
    if (stream) {
      const { data, response } = await openai.chat.completions.create({ ...request, stream: true }).withResponse();
      models.push(response.headers.get("x-sallyport-model"));
      message = { role: "assistant", content: "", refusal: null };
      for await (const { choices } of data) {
        message.content += choices[0]?.delta.content ?? "";
        for (const { id = "", function: named } of choices[0]?.delta.tool_calls ?? [])
          message.tool_calls = [
            { id, type: "function", function: { name: named?.name ?? "", arguments: named?.arguments ?? "" } },
          ];
      }
    } else {
      const { data, response } = await openai.chat.completions.create(request).withResponse();
      models.push(response.headers.get("x-sallyport-model"));
      message = data.choices[0]!.message;
    }
    messages.push(message);
    if (message.tool_calls === undefined) return models;
    // A result that would be hard for itself, and longer than what was asked.
    for (const { id } of message.tool_calls)
      messages.push({ role: "tool", tool_call_id: id, content: `${hard}\n`.repeat(4) });
  }
  throw new Error("the agent never came to an end");
}

describe("in the middle of a tool loop", () => {
  test.for([
    ["whole answers", false],
    ["streams", true],
  ] as const)("the model stays, with %s", async ([, stream]) => {
    const scene = await start('[{ when: "llm.complexity > 0.6 || llm.tokens.input > 2000", use: large }]');
    for (const provider of [large, small]) provider.behaviour = callsTools(provider, 3);
    expect(await runAgent([scene], easy, stream)).toEqual(["small", "small", "small", "small"]);
    expect(await runAgent([scene], hard, stream)).toEqual(["large", "large", "large", "large"]);
    expect(await scene.metric("routing_choices_total")).toContain(
      'routing_choices_total{model="smart",chosen="large",reason="tool_loop"} 3',
    );
  });

  test.for([
    ["whole answers", false],
    ["streams", true],
  ] as const)("the model stays for an Anthropic client of other providers, with %s", async ([, stream]) => {
    const scene = await start('[{ when: "llm.complexity > 0.6 || llm.tokens.input > 3000", use: large }]');
    for (const provider of [large, small]) provider.behaviour = callsTools(provider, 2);
    const anthropic = new Anthropic({ baseURL: scene.url, apiKey: scene.openai.apiKey, maxRetries: 0 });
    const asked = async (question: string) => {
      const messages: Anthropic.MessageParam[] = [user(question)];
      const models: (string | null)[] = [];
      for (let turn = 0; turn < 5; turn++) {
        const request = {
          model: "smart",
          max_tokens: 100,
          messages,
          tools: [{ name: "look", input_schema: { type: "object" as const } }],
        };
        const { response, answer } = stream
          ? await anthropic.messages
              .stream(request)
              .withResponse()
              .then(async (open) => ({ response: open.response, answer: await open.data.finalMessage() }))
          : await anthropic.messages
              .create(request)
              .withResponse()
              .then(({ response, data }) => ({ response, answer: data }));
        models.push(
          `${response.headers.get("x-sallyport-model")} ${response.headers.get("x-sallyport-route")?.split(",")[0]}`,
        );
        messages.push({ role: "assistant", content: answer.content });
        const uses = answer.content.filter((block) => block.type === "tool_use");
        if (uses.length === 0) return models;
        messages.push({
          role: "user",
          content: uses.map(({ id }) => ({
            type: "tool_result" as const,
            tool_use_id: id,
            content: `${hard}\n`.repeat(8),
          })),
        });
      }
      throw new Error("the agent never came to an end");
    };
    expect(await asked(easy)).toEqual(["small otherwise", "small tool_loop", "small tool_loop"]);
    expect(await asked(hard)).toEqual(["large rule=1", "large tool_loop", "large tool_loop"]);
  });

  test("who stepped in goes on, though the chosen one is well again", async () => {
    const scene = await start();
    small.behaviour = callsTools(small, 2);
    large.behaviour = (response, stream) => {
      large.behaviour = callsTools(large, 2);
      refuses(500)(response, stream);
    };
    expect(await runAgent([scene], hard, false)).toEqual(["small", "small", "small"]);
  });

  test("the model stays when the rules change meanwhile, also where no state is kept", async () => {
    const scene = await start(rules, "", { state: "memory" });
    for (const provider of [large, small]) provider.behaviour = callsTools(provider, 2);
    const messages: Message[] = [user(hard)];
    const asked = async () => {
      const { data, response } = await scene.openai.chat.completions
        .create({ model: "smart", messages, tools })
        .withResponse();
      const { message } = data.choices[0]!;
      const results = message.tool_calls?.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "5" }));
      messages.push(message, ...(results ?? []));
      return response.headers.get("x-sallyport-model");
    };
    expect(await asked()).toBe("large");
    await scene.reload({ models: models('[{ when: "false", use: large }]') });
    expect([await asked(), await asked()]).toEqual(["large", "large"]);
    messages.push(user(hard));
    expect(await asked()).toBe("small");
  });

  test("the model stays where servers number their calls anew in each conversation", async () => {
    const scene = await start();
    for (const provider of [large, small]) provider.behaviour = callsTools(provider, 3, "functions.look:0");
    const agents = [runAgent([scene], hard, false), runAgent([scene], easy, false)];
    expect(await Promise.all(agents)).toEqual([Array(4).fill("large"), Array(4).fill("small")]);
    expect(await scene.metric("routing_choices_total")).toContain(
      'routing_choices_total{model="smart",chosen="large",reason="tool_loop"} 3',
    );
  });

  test.for([
    ["the same gateway", false],
    ["another that shares the state", true],
  ] as const)("what a provider keeps is asked for where it is, at %s, whatever the question", async ([, elsewhere]) => {
    const message = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_reason: "end_turn" };
    const rest = { stop_sequence: null, usage: { input_tokens: 3, output_tokens: 2 } };
    large.behaviour = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const container = { id: "container_1", expires_at: "2026-11-24T00:00:00Z" };
      response.end(JSON.stringify({ ...message, ...rest, content: [{ type: "text", text: "done" }], container }));
    };
    const redis = elsewhere ? await startRedis() : undefined;
    if (redis !== undefined) open.push({ close: () => redis.stop() });
    const startOne = () =>
      start(rules, "", {
        models: models().replace(/large: \{ provider: vllm/, "large: { provider: anthropic, key: k"),
        ...(redis && { state: `{ redis: "${redis.url}" }` }),
      });
    const first = await startOne();
    const second = elsewhere ? await startOne() : first;
    const asked = async (scene: Scene, content: string, container?: string) => {
      const anthropic = new Anthropic({ baseURL: scene.url, apiKey: scene.openai.apiKey, maxRetries: 0 });
      const request = {
        model: "smart",
        max_tokens: 100,
        messages: [user(content)],
        tools: [{ type: "code_execution_20250825", name: "code_execution" } as never],
        ...(container !== undefined && { container }),
      };
      const { response } = await anthropic.messages.create(request).withResponse();
      return `${response.headers.get("x-sallyport-model")} ${response.headers.get("x-sallyport-route")?.split(",")[0]}`;
    };
    expect(await asked(first, hard)).toBe("large rule=1");
    expect(await asked(second, easy, "container_1")).toBe("large provider_state");
  });

  test("what a caller says next is a new question, once the model has answered", async () => {
    const scene = await start();
    for (const provider of [large, small]) provider.behaviour = callsTools(provider, 1);
    expect(await runAgent([scene], easy, false)).toEqual(["small", "small"]);
    const done: Message[] = [user(easy), { role: "assistant", content: "Paris." }, user(hard)];
    const { response } = await scene.openai.chat.completions
      .create({ model: "smart", messages: done, tools })
      .withResponse();
    expect(response.headers.get("x-sallyport-model")).toBe("large");
  });
});

describe("over two gateways", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("one that shares the state knows who answered at the other, even a fallback", async () => {
    const state = `{ redis: "${redis.url}" }`;
    const scenes = [await start(rules, "", { state }), await start(rules, "", { state })];
    small.behaviour = callsTools(small, 3);
    large.behaviour = (response, stream) => {
      large.behaviour = callsTools(large, 3);
      refuses(500)(response, stream);
    };
    expect(await runAgent(scenes, hard, false)).toEqual(["small", "small", "small", "small"]);
  });

  test("one that shares nothing chooses as it was chosen when the loop began, whatever the tools gave", async () => {
    const choose =
      '[{ when: "llm.complexity > 0.6 || llm.tokens.input > 2000 || llm.messages.size() > 1", use: large }]';
    const scenes = [await start(choose), await start(choose)];
    for (const provider of [large, small]) provider.behaviour = callsTools(provider, 4);
    for (const stream of [false, true]) {
      expect(await runAgent(scenes, easy, stream)).toEqual(["small", "small", "small", "small", "small"]);
      expect(await runAgent(scenes, hard, stream)).toEqual(["large", "large", "large", "large", "large"]);
    }
    await eventually(async () => expect((await scenes[1]!.metric("routing_choices_total")).length).toBeGreaterThan(1));
  });
});
