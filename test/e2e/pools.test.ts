import { expect, onTestFinished, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { answer, fail, ModelServer } from "../inference/pool/model-server.ts";
import { until } from "../inference/pool/pool-scene.ts";
import { eventually } from "./eventually.ts";
import { type Scene, startScene } from "./fallback-scene.ts";

async function startServers(count: number): Promise<ModelServer[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new ModelServer().start()));
  onTestFinished(async () => {
    for (const server of servers) await server.stop();
  });
  return servers;
}

async function startGateway(
  servers: readonly ModelServer[],
  more = "",
  models = "",
  branches: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const endpoints = JSON.stringify(servers.map(({ url }) => url));
  const scene = await startScene({
    models: `{ llama: { pool: local, model: llama-3-8b }, adapted: { pool: local, model: llama-3-8b, adapter: support-v3 }${models} }`,
    pools: `{ local: { engine: vllm, endpoints: ${endpoints}, metrics: { every: 100ms }${more} } }`,
    ...branches,
  });
  const { close } = scene;
  let closing: Promise<void> | undefined;
  const once = { ...scene, close: () => (closing ??= close()) };
  onTestFinished(once.close);
  return once;
}

let asked = 0;
const ask = ({ openai }: Scene, model = "llama", text = `question ${++asked}`) =>
  openai.chat.completions
    .create({ model, messages: [{ role: "user", content: text }] })
    .withResponse()
    .then(
      ({ response }) => ({ status: 200, headers: response.headers }),
      (error: { status: number; headers: Headers }) => ({ status: error.status, headers: error.headers }),
    );

interface Status {
  readonly pools: readonly {
    readonly pool: string;
    readonly waiting: number;
    readonly endpoints: readonly { readonly name: string; readonly url: string; readonly state: string }[];
  }[];
}
const statusOf = async (scene: Scene) => ((await scene.admin("/api/status")) as Status).pools[0]!;

test("an adapter is asked for by its own name, and the model by the name its servers know", async () => {
  const [server] = await startServers(1);
  const scene = await startGateway([server!]);
  await ask(scene);
  expect(JSON.parse(server!.body)).toMatchObject({ model: "llama-3-8b" });
  await ask(scene, "adapted");
  expect(JSON.parse(server!.body)).toMatchObject({ model: "support-v3" });
});

test("what is seen of a pool: every pick in the journal, the endpoints in the status, counts in the metrics", async () => {
  const servers = await startServers(2);
  servers[1]!.onCall = fail;
  const scene = await startGateway(servers);
  for (let count = 0; count < 30; count++) await ask(scene);
  const hosts = servers.map(({ port }) => `127.0.0.1:${port}`);
  await eventually(async () => {
    const { records } = (await scene.admin("/api/journal?limit=100")) as { readonly records: readonly JournalRecord[] };
    expect(records).toHaveLength(30);
    // The one that fails is out after five, each of which the other has answered.
    const resent = records.filter(({ picks }) => picks!.length === 2);
    expect(resent).toHaveLength(5);
    for (const { picks, notes } of resent) {
      expect(picks!.map(({ picked }) => picked)).toEqual([hosts[1], hosts[0]]);
      expect(notes).toEqual([`${hosts[1]} answered 500, and another was asked`]);
    }
    for (const { picks } of records)
      for (const pick of picks!) {
        expect(pick).toMatchObject({ pool: "local", by: { "token-load-scorer": 1 } });
        expect(hosts).toContain(pick.picked);
        for (const [host, scores] of pick.of) {
          expect(hosts).toContain(host);
          expect(scores).toEqual([expect.closeTo(1, 2)]);
        }
      }
    expect(records.filter(({ picks }) => picks![0]!.of.length === 2).length).toBeLessThan(30);
  });
  const status = await statusOf(scene);
  expect(status).toMatchObject({ pool: "local", waiting: 0 });
  expect(status.endpoints.map(({ name, url, state }) => [name, url, state])).toEqual([
    ["local-0", servers[0]!.url, "well"],
    ["local-1", servers[1]!.url, "ejected"],
  ]);
  expect(await scene.metric("pool_picks_total")).toEqual([
    expect.stringMatching(new RegExp(`endpoint="${hosts[0]}"} 30$|endpoint="${hosts[1]}"} 5$`)),
    expect.stringMatching(new RegExp(`endpoint="${hosts[0]}"} 30$|endpoint="${hosts[1]}"} 5$`)),
  ]);
  expect(await scene.metric("pool_resent_total")).toEqual([expect.stringContaining('pool="local"} 5')]);
  expect(await scene.metric("pool_ejections_total")).toEqual([expect.stringContaining(`endpoint="${hosts[1]}"} 1`)]);
});

test("a call that is sent to another endpoint is one call for a budget", async () => {
  const servers = await startServers(2);
  let sent = 0;
  for (const server of servers) server.onCall = (response) => (sent++ === 0 ? fail(response) : answer(response));
  const scene = await startGateway(servers, "", "", { budgets: '[{ name: few, limits: ["1 requests/day"] }]' });
  expect((await ask(scene)).status).toBe(200);
  expect(sent).toBe(2);
  expect((await ask(scene)).status).toBe(429);
  expect(sent).toBe(2);
});

test("a model of a pool that has no endpoint left is followed by its fallback, and comes back with its servers", async () => {
  const [pooled, other] = await startServers(2);
  const scene = await startGateway(
    [pooled!],
    "",
    `, first: { pool: local, fallback: [backup] }, backup: { provider: vllm, url: "${other!.url}" }`,
  );
  await pooled!.stop();
  const { status, headers } = await ask(scene, "first");
  expect(status).toBe(200);
  expect(headers.get("x-sallyport-model")).toBe("backup");
  expect(headers.get("x-sallyport-fallback")).toBe("unreachable");
  expect((await ask(scene)).status).toBe(503);
  await pooled!.start();
  await eventually(async () => expect((await statusOf(scene)).endpoints[0]?.state).toBe("well"));
  expect((await ask(scene, "first")).headers.get("x-sallyport-model")).toBe("first");
});

test("a reload that leaves an endpoint out lets its calls end and sends it no more; the others are not asked anew", async () => {
  const servers = await startServers(3);
  const [leaving, staying, joining] = servers as [ModelServer, ModelServer, ModelServer];
  let finish: (() => void) | undefined;
  leaving.onCall = (response) => {
    finish = () => void response.writeHead(200, { "content-type": "application/json" }).end('{"choices":[]}');
  };
  const scene = await startGateway([leaving, staying]);
  const open: Promise<{ status: number }>[] = [];
  while (finish === undefined) {
    open.push(ask(scene));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { config } = scene.gateway.epochs.current();
  const pools = { local: { ...config.pools!["local"]!, endpoints: [staying.url, joining.url] } };
  await scene.gateway.reload({ ...config, pools });
  const states = (await statusOf(scene)).endpoints.map(({ url, state }) => [url, state]);
  expect(states).toContainEqual([leaving.url, "leaving"]);
  const before = leaving.calls;
  for (let count = 0; count < 20; count++) expect((await ask(scene)).status).toBe(200);
  expect(leaving.calls).toBe(before);
  expect(joining.calls).toBeGreaterThan(0);
  finish();
  expect((await Promise.all(open)).map(({ status }) => status)).toEqual(open.map(() => 200));
  const left = (await statusOf(scene)).endpoints.map(({ url }) => url);
  expect(left.toSorted()).toEqual([joining.url, staying.url].toSorted());
  const scraped = leaving.scrapes;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(leaving.scrapes).toBeLessThanOrEqual(scraped + 1);
});

test("a reload that takes the pool away ends its scrapes", async () => {
  const [server] = await startServers(1);
  const scene = await startGateway([server!]);
  await until(() => server!.scrapes > 1, "it is scraped");
  const { config } = scene.gateway.epochs.current();
  const models = { other: { provider: "vllm", url: server!.url } };
  await scene.gateway.reload({ ...config, models, pools: undefined } as Config);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { scrapes } = server!;
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(server!.scrapes).toBe(scrapes);
  expect((await ask(scene, "other")).status).toBe(200);
});

test("gateways that share a pool do not herd: a burst that reaches all of them at once is spread over the endpoints", async () => {
  const servers = await startServers(4);
  const open: (() => void)[] = [];
  for (const server of servers)
    server.onCall = (response) => {
      open.push(() => void response.writeHead(200, { "content-type": "application/json" }).end("{}"));
    };
  const scenes = await Promise.all([1, 2, 3].map(() => startGateway(servers)));
  // Metrics that all of them have, and that are as good for each endpoint as for the next.
  await until(() => servers.every(({ scrapes }) => scrapes >= 3), "all are scraped");
  const burst = scenes.flatMap((scene) => Array.from({ length: 10 }, () => ask(scene)));
  await until(() => open.length === 30, "all are under way");
  const counts = servers.map(({ calls }) => calls);
  for (const finish of open) finish();
  await Promise.all(burst);
  expect(Math.max(...counts)).toBeLessThanOrEqual(12);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(4);
});

test("a gateway that stops is not held up by calls that wait for a full pool", async () => {
  const [server] = await startServers(1);
  server!.metrics = "vllm:num_requests_waiting 50\nvllm:num_requests_running 8\n";
  const scene = await startGateway([server!], ", queue: {}");
  await until(() => server!.scrapes > 1, "it is full");
  const waiting = ask(scene);
  await eventually(async () => expect((await statusOf(scene)).waiting).toBe(1));
  await scene.close();
  expect((await waiting).status).not.toBe(200);
  expect(server!.calls).toBe(0);
});
