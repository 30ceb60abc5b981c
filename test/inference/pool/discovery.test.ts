import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { type AbortSignalLike, LightAbortSignal } from "../../../src/core/abort.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import type { OperationContext } from "../../../src/core/step.ts";
import { createRetryBudget } from "../../../src/gateway/retry-budget.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { resolveAddresses } from "../../../src/http/resolve-addresses.ts";
import { emptyChain } from "../../../src/inference/picker/block-chain.ts";
import { poolSchema } from "../../../src/inference/pool/pool-config.ts";
import { Discovery } from "../../../src/inference/pool/discovery.ts";
import { createPools } from "../../../src/inference/pool/pools.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { call, startGateway, startServers, until } from "./pool-scene.ts";

function discover(resolve: (hostname: string) => Promise<readonly string[]>, url = "http://vllm.models.svc:8000") {
  const found: (readonly string[])[] = [];
  let failures = 0;
  const discovery = new Discovery({
    url,
    everyMs: 5,
    resolve,
    log: silentLog,
    found: (urls) => void found.push(urls),
    failed: () => failures++,
  });
  onTestFinished(() => discovery.stop());
  return { found, discovery, failures: () => failures };
}

test("a name in DNS stands for every address it has, v4 and v6, at its port", async () => {
  const { found, discovery } = discover(async () => ["10.0.0.2", "10.0.0.1", "fd00::1", "10.0.0.1"]);
  await discovery.started;
  expect(found[0]).toEqual(["http://10.0.0.1:8000", "http://10.0.0.2:8000", "http://[fd00::1]:8000"]);
});

test("addresses come and go with the name, and stay while it cannot be resolved or has none", async () => {
  let answer: () => Promise<readonly string[]> = async () => ["10.0.0.1"];
  const { found, failures } = discover(() => answer(), "http://vllm:8000/base");
  await until(() => found.length > 0, "the first");
  answer = () => Promise.reject(new Error("SERVFAIL"));
  await until(() => failures() > 1, "it fails");
  answer = async () => [];
  const before = failures();
  await until(() => failures() > before + 1, "it has no address");
  expect(new Set(found.map((urls) => urls.join()))).toEqual(new Set(["http://10.0.0.1:8000/base"]));
  answer = async () => ["10.0.0.2"];
  await until(() => found.at(-1)?.[0] === "http://10.0.0.2:8000/base", "it moved");
});

test("the system's resolver gives the addresses of localhost", async () => {
  expect(await resolveAddresses("localhost")).toContain("127.0.0.1");
});

test("a call that comes before the name is resolved waits for it", async () => {
  const [server] = await startServers(1);
  const gateway = await startGateway([server!], {
    endpoints: undefined,
    dns: server!.url.replace("127.0.0.1", "localhost"),
  });
  expect(await call(gateway)).toBe(200);
  expect(gateway.pools.list()[0]!.endpoints.some(({ url }) => url === server!.url)).toBe(true);
});

/** A pool by DNS, whose resolver answers when and what the test says. */
async function startFound(more: object = {}) {
  const servers = await startServers(1);
  const upstream = createUpstream({ egress: { allow: [], connections: 64, connectTimeout: 2_000 } });
  onTestFinished(() => upstream.close());
  let answer: () => Promise<readonly string[]> = () => new Promise(() => {});
  const pools = createPools({
    upstream,
    clock: systemClock,
    log: silentLog,
    meter: createMetrics().meter,
    retries: createRetryBudget(systemClock),
    resolve: () => answer(),
  });
  const { port } = servers[0]!;
  const configOf = (changes: object) => ({
    local: z.parse(poolSchema, { engine: "vllm", dns: `http://vllm.svc:${port}`, resolve: "1s", ...more, ...changes }),
  });
  const lease = (changes: object = {}) => {
    const leased = pools.lease(configOf(changes));
    leased.begin();
    onTestFinished(() => leased.release());
    return leased.pools.get("local")!;
  };
  const place = (pool: ReturnType<typeof lease>, signal: AbortSignalLike = new LightAbortSignal()) =>
    pool.place({ id: "1", chain: emptyChain, promptTokens: 1 }, { context, signal, bytes: 1 }, []);
  return { server: servers[0]!, pools, lease, place, answers: (next: typeof answer) => void (answer = next) };
}

/* Nothing of it is looked at where a pool has neither a queue nor priorities. */
const context = {} as OperationContext;

test("a call that waits for a name that is not resolved leaves with its caller, and for endpoints that are configured meanwhile", async () => {
  const { server, lease, place } = await startFound();
  const pool = lease();
  const signal = new LightAbortSignal();
  const left = place(pool, signal);
  const stays = place(pool);
  const gone = new Error("the caller is gone");
  signal.abort(gone);
  await expect(left).rejects.toBe(gone);
  await expect(place(pool, signal)).rejects.toBe(gone);
  lease({ dns: undefined, endpoints: [server.url] });
  expect((await stays).member.url).toBe(server.url);
});

test("a name that is not resolved for ten seconds is as one without an address", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  let resolved: (addresses: readonly string[]) => void = () => {};
  const { discovery, found } = discover(() => new Promise((resolve) => (resolved = resolve)));
  let started = false;
  void discovery.started.then(() => (started = true));
  await vi.advanceTimersByTimeAsync(9_999);
  expect(started).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(started).toBe(true);
  resolved(["10.0.0.1"]);
  await vi.advanceTimersByTimeAsync(0);
  expect(found).toEqual([["http://10.0.0.1:8000"]]);
});

test("a reload of how often a name is resolved holds up no call while there are endpoints", async () => {
  const { server, lease, place, answers } = await startFound();
  answers(async () => ["127.0.0.1"]);
  expect((await place(lease())).member.url).toBe(server.url);
  answers(() => new Promise(() => {}));
  const pool = lease({ resolve: "2s" });
  expect((await place(pool)).member.url).toBe(server.url);
});

test("an endpoint that was drained is so when its address comes back, until an operator gives it calls again", async () => {
  const { server, pools, lease, place, answers } = await startFound();
  answers(async () => ["127.0.0.1"]);
  const placed = await place(lease());
  placed.end("well");
  const states = () => pools.list()[0]!.endpoints.map(({ url, state }) => `${new URL(url).hostname} ${state}`);
  const find = async (addresses: readonly string[], resolve: string) => {
    answers(async () => addresses);
    lease({ resolve });
    await until(() => states().length === addresses.length, "they are found");
  };
  await find(["127.0.0.1", "127.0.0.2"], "2s");
  expect(pools.drain("local-0", true)).toBe(true);
  expect(states()).toEqual(["127.0.0.1 draining", "127.0.0.2 well"]);
  await find(["127.0.0.2"], "3s");
  expect(states()).toEqual(["127.0.0.2 well"]);
  await find(["127.0.0.1", "127.0.0.2"], "4s");
  expect(new Set(states())).toEqual(new Set(["127.0.0.1 draining", "127.0.0.2 well"]));
  const { name } = pools.list()[0]!.endpoints.find(({ url }) => url === server.url)!;
  expect(pools.drain(name, false)).toBe(true);
  await find(["127.0.0.2"], "5s");
  await find(["127.0.0.1", "127.0.0.2"], "6s");
  expect(new Set(states())).toEqual(new Set(["127.0.0.1 well", "127.0.0.2 well"]));
});

test("endpoints that are in a new configuration too keep what is known; one that is not ends its calls; a pool that is gone is scraped no more", async () => {
  const servers = await startServers(3);
  const upstream = createUpstream({ egress: { allow: [], connections: 64, connectTimeout: 2_000 } });
  onTestFinished(() => upstream.close());
  const metrics = createMetrics();
  const pools = createPools({
    upstream,
    clock: systemClock,
    log: silentLog,
    meter: metrics.meter,
    retries: createRetryBudget(systemClock),
  });
  const configOf = (at: readonly number[]) => ({
    local: z.parse(poolSchema, {
      engine: "vllm",
      endpoints: at.map((each) => servers[each]!.url),
      metrics: { every: "100ms" },
    }),
  });
  const first = pools.lease(configOf([0, 1]));
  first.begin();
  const pool = first.pools.get("local")!;
  await until(() => servers[0]!.scrapes > 0 && servers[1]!.scrapes > 0, "both are scraped");
  const names = () =>
    pools.list()[0]!.endpoints.map(({ url, state }) => [servers.findIndex((each) => each.url === url), state]);
  const second = pools.lease(configOf([1, 2]));
  expect(names()).toEqual([
    [0, "well"],
    [1, "well"],
  ]);
  second.begin();
  first.release();
  expect(second.pools.get("local")).toBe(pool);
  expect(names()).toEqual([
    [1, "well"],
    [2, "well"],
  ]);
  // Told of are those that are there.
  const told = async () =>
    (await metrics.render()).body.split("\n").filter((line) => line.startsWith("sallyport_pool_"));
  const up = (at: number) => `sallyport_pool_endpoint_up{pool="local",endpoint="127.0.0.1:${servers[at]!.port}"} 1`;
  expect(await told()).toEqual([up(1), up(2)]);
  const scrapedOnce = servers[0]!.scrapes;
  second.release();
  expect(pools.list()).toEqual([]);
  expect(await told()).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const scraped = servers.map(({ scrapes }) => scrapes);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(servers.map(({ scrapes }) => scrapes)).toEqual(scraped);
  expect(servers[0]!.scrapes - scrapedOnce).toBeLessThanOrEqual(1);
});
