import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createRetryBudget } from "../../../src/gateway/retry-budget.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { resolveAddresses } from "../../../src/http/resolve-addresses.ts";
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
      metrics: { every: "50ms" },
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
