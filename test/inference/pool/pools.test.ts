import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createRetryBudget } from "../../../src/gateway/retry-budget.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { poolSchema } from "../../../src/inference/pool/pool-config.ts";
import { createPools } from "../../../src/inference/pool/pools.ts";
import { collectGarbage } from "../../collect-garbage.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { startServers, until } from "./pool-scene.ts";

test("of pools that fifty configurations had and the next did not, nothing is left: no scrapes, no figures, no memory", async () => {
  const [server] = await startServers(1);
  const upstream = createUpstream({ egress: { allow: [], connections: 4, connectTimeout: 1_000 } });
  onTestFinished(() => upstream.close());
  const metrics = createMetrics();
  const pools = createPools({
    upstream,
    clock: systemClock,
    log: silentLog,
    meter: metrics.meter,
    retries: createRetryBudget(systemClock),
  });
  const config = poolSchema.parse({ engine: "vllm", endpoints: [server!.url], metrics: { every: "100ms" } });
  const gone: WeakRef<object>[] = [];
  const lease = (round: number) => {
    const leased = pools.lease({ kept: config, [`of-${round}`]: config });
    leased.begin();
    return leased;
  };
  const kept = new Set<object>();
  let last = lease(0);
  for (let round = 1; round <= 50; round++) {
    const next = lease(round);
    gone.push(new WeakRef(last.pools.get(`of-${round - 1}`)!));
    kept.add(last.pools.get("kept")!);
    last.release();
    last = next;
  }
  expect(kept).toEqual(new Set([last.pools.get("kept")]));
  expect(pools.list().map(({ pool }) => pool)).toEqual(["kept", "of-50"]);
  const { body: text } = await metrics.render();
  expect(text).toContain('pool="of-50"');
  expect(text).not.toMatch(/pool="of-[1-4]?\d"/);
  // Each has had at most one scrape under way, which ends before it is collected.
  const left = () => {
    collectGarbage();
    return gone.filter((each) => each.deref() !== undefined).length;
  };
  await until(() => left() === 0, "all that are gone are collected");
  const { scrapes } = server!;
  await until(() => server!.scrapes >= scrapes + 10, "those that are there are scraped");
  last.release();
  expect(pools.list()).toEqual([]);
});
