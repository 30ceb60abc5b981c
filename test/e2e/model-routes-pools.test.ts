import { expect, onTestFinished, test } from "vitest";
import { type Answer, KEY, type ServicesScene, startServicesScene } from "../services/services-scene.ts";
import { ModelServer } from "../inference/pool/model-server.ts";
import { chat, clientOf, type Served, startModels } from "./model-routes-scene.ts";
import { eventually } from "./eventually.ts";

/** A gateway with this configuration, over model servers of these names. */
async function start<const N extends string>(
  names: readonly N[],
  yaml: (urls: Readonly<Record<N, string>>) => string,
): Promise<{ scene: ServicesScene; servers: Readonly<Record<N, Served>> }> {
  const started = await Promise.all(names.map(async (name) => [name, await startModels(name, "llama")] as const));
  const servers = Object.fromEntries(started) as Record<N, Served>;
  const urls = Object.fromEntries(started.map(([name, { url }]) => [name, url])) as Record<N, string>;
  const scene = await startServicesScene(yaml(urls));
  onTestFinished(async () => {
    await scene.close();
    for (const [, server] of started) await server.close();
  });
  return { scene, servers };
}

const path = "/chat/v1/chat/completions";
const route = (to: string, more = "") =>
  `routes: {default/chat: {auth: optional, tenant: t, rules: [{match: {path: /chat}, to: ${to}${more}}]}}`;

interface Pick {
  readonly picked: string;
  readonly endpoints: readonly { readonly name: string; readonly cachedTokens: number }[];
}
const pickOf = ({ headers }: Answer): Pick => JSON.parse(String(headers["x-sallyport-pick"])) as Pick;

test("endpoints come and go with reloads, and what is known of those that stay is kept", async () => {
  const pools = (...urls: readonly string[]) =>
    `pools: {default/p: {engine: openai-compatible, endpoints: ${JSON.stringify(urls)}}}\n${route("{pool: default/p}")}`;
  const { scene, servers } = await start(["a", "b", "c"], ({ a, b }) => pools(a, b));
  const text = "A prompt that is long enough to be remembered. ".repeat(40);
  const ask = () => chat(scene, path, "llama", { text, headers: { "x-sallyport-explain": "1" } });
  const first = pickOf(await ask());
  const kept = first.picked === "default/p-0" ? servers.a : servers.b;
  await scene.reload(pools(servers.c.url, kept.url));
  const second = pickOf(await ask());
  expect(second.picked).toBe(first.picked);
  const cached = Object.fromEntries(second.endpoints.map(({ name, cachedTokens }) => [name, cachedTokens]));
  expect(cached[first.picked]).toBeGreaterThan(300);
  await scene.reload(pools());
  expect((await ask()).status).toBe(503);
  await scene.reload(pools(servers.a.url));
  expect((await ask()).status).toBe(200);
});

test("an adapter that a server has loaded is picked for by its name", async () => {
  const [one, two] = await Promise.all([new ModelServer().start(), new ModelServer().start()]);
  two.metrics +=
    'vllm:lora_requests_info{max_lora="4",running_lora_adapters="support-v3",waiting_lora_adapters=""} 1\n';
  const scene = await startServicesScene(
    `pools: {p: {engine: vllm, endpoints: ["${one.url}", "${two.url}"], metrics: {every: 100ms}}}\n${route("{pool: p}")}`,
  );
  onTestFinished(async () => {
    await scene.close();
    await one.stop();
    await two.stop();
  });
  await eventually(async () => expect(two.scrapes).toBeGreaterThan(1));
  for (let count = 0; count < 12; count++)
    await chat(scene, path, "support-v3", { text: `another question ${count} `.repeat(200) });
  expect([one.calls, two.calls]).toEqual([0, 12]);
  expect(JSON.parse(two.body)).toMatchObject({ model: "support-v3" });
});

test("the time that a route gives a call ends it: with 504, or with an error in its stream", async () => {
  const server = await new ModelServer().start();
  const scene = await startServicesScene(
    `pools: {p: {engine: openai-compatible, endpoints: ["${server.url}"]}}\n${route("{pool: p}", ", timeouts: {request: 300ms}")}`,
  );
  onTestFinished(async () => {
    await scene.close();
    await server.stop();
  });
  server.onCall = () => {};
  const answer = await chat(scene, path, "llama");
  expect(answer.status).toBe(504);
  expect(JSON.parse(answer.text())).toMatchObject({ error: { type: "timeout_error", code: "upstream_timeout" } });
  server.onCall = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"id":"c","choices":[{"index":0,"delta":{"content":"so "}}]}\n\n');
  };
  const stream = await clientOf(scene, "/chat/v1").chat.completions.create({
    model: "llama",
    messages: [{ role: "user", content: "so?" }],
    stream: true,
  });
  let text = "";
  await expect(
    (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    })(),
  ).rejects.toThrow("the time that its route gives it");
  expect(text).toBe("so ");
});

test("an answer from the cache is given to equal calls of one pool, and of no other", async () => {
  const { scene, servers } = await start(
    ["a", "b"],
    ({ a, b }) => `
cache: {share: tenant}
pools:
  a: {engine: openai-compatible, endpoints: ["${a}"]}
  b: {engine: openai-compatible, endpoints: ["${b}"]}
routes:
  one: {tenant: t, rules: [{match: {path: /one}, to: {pool: a}}, {match: {path: /other}, to: {pool: b}}]}
  two: {tenant: t, rules: [{match: {path: /two}, to: {pool: a}}, {match: {path: /told}, filters: [{requestHeaders: {set: {openai-beta: x}}}], to: {pool: a}}]}
`,
  );
  const ask = async (at: string) => {
    const answer = await chat(scene, `/${at}/v1/chat/completions`, "llama", { headers: { "x-api-key": KEY } });
    return `${String(answer.headers["cache-status"]).includes("hit")} ${/[ab] says yes/.exec(answer.text())?.[0]}`;
  };
  expect([await ask("one"), await ask("one"), await ask("two")]).toEqual([
    "false a says yes",
    "true a says yes",
    "true a says yes",
  ]);
  expect([await ask("other"), await ask("told")]).toEqual(["false b says yes", "false a says yes"]);
  expect([servers.a.calls.length, servers.b.calls.length]).toEqual([2, 1]);
});
