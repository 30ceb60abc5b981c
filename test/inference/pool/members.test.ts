import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { type Log, silentLog } from "../../../src/core/log.ts";
import { createDeadlines } from "../../../src/http/deadlines.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { emptyChain } from "../../../src/inference/picker/block-chain.ts";
import { createPicker } from "../../../src/inference/picker/picker.ts";
import { PrefixMemory } from "../../../src/inference/picker/prefix-memory.ts";
import { profiles } from "../../../src/inference/picker/profiles.ts";
import { Members } from "../../../src/inference/pool/members.ts";
import { maxEndpoints, poolSchema } from "../../../src/inference/pool/pool-config.ts";
import { createPoolMeters } from "../../../src/inference/pool/pool-meters.ts";
import { createScrapePace } from "../../../src/inference/pool/scrape-pace.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { startServers, until } from "./pool-scene.ts";

const urlsOf = (generation: number) =>
  Array.from({ length: maxEndpoints }, (_, at) => `http://10.0.${generation}.${at}:8000`);

test("endpoints that come while others have calls to end still join when there is a place for them", () => {
  const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 1_000 } });
  const meters = createPoolMeters(createMetrics().meter);
  const config = poolSchema.parse({ engine: "vllm", endpoints: urlsOf(0), metrics: "off" });
  const members = new Members(
    {
      pool: "p",
      upstream,
      clock: systemClock,
      deadlines: createDeadlines(),
      pace: createScrapePace(),
      memory: new PrefixMemory(),
      log: silentLog,
      meters,
      changed: () => undefined,
    },
    config,
  );
  onTestFinished(async () => {
    members.close();
    await upstream.close();
  });
  members.set(urlsOf(0));
  const first = members.roster.hosts;
  const { endpoints, prefixes } = members.roster;
  const picker = createPicker({ endpoints, prefixes, profile: profiles["round-robin"], replica: "r" });
  const open: (() => void)[] = [];
  const call = () => {
    const picked = picker.pick({ id: `${open.length}`, chain: emptyChain, promptTokens: 10 }, { nowMs: 0 })!;
    const member = members.roster.inSlot(picked.slot)!;
    open.push(() => {
      picked.end();
      members.ended(member, "well");
    });
  };
  for (const generation of [0, 1]) {
    members.set(urlsOf(generation));
    for (let count = 0; count < maxEndpoints; count++) call();
  }
  members.set(urlsOf(2));
  const present = () => members.list().filter(({ url }) => url.startsWith("http://10.0.2.")).length;
  expect(present()).toBe(0);
  for (const end of open.splice(0, 10)) end();
  expect(present()).toBe(10);
  for (const end of open.splice(0)) end();
  expect(members.list().map(({ url }) => url)).toEqual(urlsOf(2));
  // Who was told of the first ones can still tell of them.
  const hostsOf = (generation: number) => urlsOf(generation).map((url) => new URL(url).host);
  expect(first).toEqual(hostsOf(0));
  expect(members.roster.hosts.toSorted()).toEqual(
    [...hostsOf(2), ...Array.from({ length: maxEndpoints }, () => "")].toSorted(),
  );
});

test("a mistake in what a scrape leads to is logged once, and the endpoint is scraped as before", async () => {
  const [server] = await startServers(1);
  const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 1_000 } });
  const config = poolSchema.parse({ engine: "vllm", endpoints: [server!.url], metrics: { every: "100ms" } });
  const errors: unknown[] = [];
  const log: Log = { ...silentLog, error: ({ error }) => errors.push(error) };
  const mistake = new Error("a mistake");
  let joined = false;
  const members = new Members(
    {
      pool: "p",
      upstream,
      clock: systemClock,
      deadlines: createDeadlines(),
      pace: createScrapePace(),
      memory: new PrefixMemory(),
      log,
      meters: createPoolMeters(createMetrics().meter),
      changed() {
        if (joined) throw mistake;
      },
    },
    config,
  );
  onTestFinished(async () => {
    members.close();
    await upstream.close();
  });
  members.set([server!.url]);
  joined = true;
  await until(() => server!.scrapes > 3, "it is scraped again and again");
  expect(errors).toEqual([mistake]);
});
