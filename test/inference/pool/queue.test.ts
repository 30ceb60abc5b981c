import { describe, expect, it } from "vitest";
import type { ModelServer } from "./model-server.ts";
import { call, calls, startGateway, startServers, until } from "./pool-scene.ts";

const full = "vllm:num_requests_waiting 50\nvllm:num_requests_running 8\nvllm:kv_cache_usage_perc 0.9\n";
const idle = "vllm:num_requests_waiting 0\nvllm:num_requests_running 0\nvllm:kv_cache_usage_perc 0\n";
const batch = { priority: [{ when: 'request.headers["x-batch"] == "1"', is: -1 }] };

type Gateway = Awaited<ReturnType<typeof startGateway>>;
const poolOf = (gateway: Gateway) => gateway.pools.list()[0]!;
const untilFull = (gateway: Gateway) => until(() => (poolOf(gateway).saturation ?? 0) >= 1, "the pool is full");

async function startFull(pool: object): Promise<{ readonly gateway: Gateway; readonly server: ModelServer }> {
  const [server] = await startServers(1);
  server!.metrics = full;
  const gateway = await startGateway([server!], pool);
  await untilFull(gateway);
  return { gateway, server: server! };
}

describe("a pool that is full", () => {
  it("refuses what may be refused, in the words of the field, and takes everything else", async () => {
    const { gateway, server } = await startFull(batch);
    const response = await fetch(`${gateway.url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-batch": "1" },
      body: JSON.stringify({ model: "llama", messages: [{ role: "user", content: "x" }] }),
    });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(response.headers.get("x-llm-d-request-dropped-reason")).toBe("rejected-saturated");
    expect(await response.json()).toMatchObject({ error: { type: "rate_limit_error" } });
    expect(await call(gateway)).toBe(200);
    server.metrics = idle;
    await until(() => (poolOf(gateway).saturation ?? 1) < 1, "there is room");
    expect(await call(gateway, "x", { "x-batch": "1" })).toBe(200);
  });

  it("is not full while one endpoint has room, however many wait at another", async () => {
    const servers = await startServers(4);
    servers[0]!.metrics = full.replace("50", "1000000");
    const gateway = await startGateway(servers, { ...batch, queue: { ttl: "1s" } });
    await until(() => (poolOf(gateway).saturation ?? 0) === 0.25, "it is known of all of them");
    expect(await call(gateway)).toBe(200);
    expect(await call(gateway, "x", { "x-batch": "1" })).toBe(200);
    expect(servers[0]!.calls).toBe(0);
  });

  it("lets calls wait with `queue`, and go once there is room", async () => {
    const { gateway, server } = await startFull({ queue: {} });
    const waiting = Array.from({ length: 20 }, () => call(gateway));
    await until(() => poolOf(gateway).waiting === 20, "all wait");
    expect(server.calls).toBe(0);
    server.metrics = idle;
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
    expect(poolOf(gateway).waiting).toBe(0);
  });

  it("lets no more go than there is room for, though the metrics are older than what it sent", async () => {
    const { gateway, server } = await startFull({ queue: {} });
    const open: (() => void)[] = [];
    server.onCall = (response) => {
      open.push(() => void response.writeHead(200, { "content-type": "application/json" }).end('{"choices":[]}'));
    };
    const waiting = Array.from({ length: 20 }, () => call(gateway));
    await until(() => poolOf(gateway).waiting === 20, "all wait");
    // From now on the server tells of what it has, five of which wait.
    server.onScrape = (response) =>
      void response.end(`vllm:num_requests_waiting ${open.length}\nvllm:num_requests_running 0\n`);
    await until(() => server.calls === 5, "five went");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.calls).toBe(5);
    server.onCall = (response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}");
    for (const finish of open.splice(0)) finish();
    await Promise.all(waiting);
  });

  it("lets a caller who leaves go, and answers 429 to one who has waited too long", async () => {
    const { gateway, server } = await startFull({ queue: { ttl: "150ms" } });
    const leaving = new AbortController();
    const left = fetch(`${gateway.url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "llama", messages: [{ role: "user", content: "x" }] }),
      signal: leaving.signal,
    }).catch(() => "left");
    await until(() => poolOf(gateway).waiting === 1, "it waits");
    leaving.abort();
    expect(await left).toBe("left");
    await until(() => poolOf(gateway).waiting === 0, "it has left");
    expect(await call(gateway)).toBe(429);
    expect(server.calls).toBe(0);
  });

  it("turns away what is more than may wait, and those whose credential ends while they wait", async () => {
    const { gateway } = await startFull({ queue: { waiting: 1, ttl: "10s" } });
    const first = call(gateway);
    await until(() => poolOf(gateway).waiting === 1, "one waits");
    expect(await call(gateway)).toBe(429);
    gateway.expire();
    expect(await first).toBe(401);
  });

  it("is one whose endpoints have as many calls as `capacity`, where they tell no metrics", async () => {
    const [server] = await startServers(1);
    const open: (() => void)[] = [];
    let most = 0;
    server!.onCall = (response) => {
      open.push(() => void response.writeHead(200, { "content-type": "application/json" }).end("{}"));
      most = Math.max(most, open.length);
    };
    const gateway = await startGateway([server!], { metrics: "off", capacity: 3, queue: {} });
    const waiting = Array.from({ length: 10 }, () => call(gateway));
    await until(() => server!.calls === 3 && poolOf(gateway).waiting === 7, "three are under way");
    for (let done = 0; done < 10; done++) {
      await until(() => open.length > 0, "one is under way");
      open.shift()!();
    }
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
    expect(most).toBe(3);
  });

  it("lets calls go once what its server said of being full is out of date, though nothing else happens", async () => {
    const { gateway, server } = await startFull({ queue: { ttl: "60s" } });
    const waiting = call(gateway);
    await until(() => poolOf(gateway).waiting === 1, "it waits");
    server.onScrape = (response) => void response.writeHead(404).end();
    expect(await waiting).toBe(200);
  });

  it("says 503, and lets nobody wait, where no endpoint is left", async () => {
    const { gateway, server } = await startFull({ queue: {} });
    const waiting = call(gateway);
    await until(() => poolOf(gateway).waiting === 1, "it waits");
    await server.stop();
    expect(await waiting).toBe(503);
    expect(await calls(gateway, 2)).toEqual([503, 503]);
  });
});
