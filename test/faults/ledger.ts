import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import type { Store } from "../../src/state/store.ts";
import { openRunLedgers, openTestRedis, type RunKind, storeLedger } from "../budgets/ledgers.ts";
import { Run, steps } from "../budgets/random-run.ts";
import { AFTER_LEASE_MS, longLease, term } from "../budgets/terms.ts";
import { type RedisServer, startRedis } from "../state/redis-server.ts";

const operations: Readonly<Record<RunKind, number>> = {
  local: 1_000_000,
  memory: 100_000,
  sqlite: 100_000,
  redis: 100_000,
};
const KILLS = 200;
const REPLICAS = 3;

const points = [
  "before reserving",
  "reserving",
  "reserved",
  "extending",
  "extended",
  "renewing",
  "renewed",
  "settling",
  "settled",
  "closed",
] as const;

/** Random steps on every store, each held against the oracle. Throws at the first that breaks its word. */
async function runAll(server: RedisServer): Promise<number> {
  let sum = 0;
  for (const [kind, count] of Object.entries(operations) as [RunKind, number][]) {
    const ledgers = await openRunLedgers(kind, server);
    const seed = Date.now() | 0;
    const startedAt = performance.now();
    /* Runs of a hundred thousand steps: a new one has new counters. */
    const length = 100_000;
    for (let done = 0; done < count; done += length) {
      const run = new Run(ledgers, `${kind} ${done}`);
      for (const step of steps(seed + done, Math.min(length, count - done))) await run.step(step);
      await run.finish();
    }
    await ledgers.close();
    sum += count;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(`${kind}: ${count} operations in ${seconds} s, seed ${seed}: never over, nothing lost`);
  }
  return sum;
}

/** 10,000 calls over several replicas want the last 1,000 tokens. */
async function crowd(server: RedisServer): Promise<void> {
  const stores = await Promise.all(Array.from({ length: REPLICAS }, () => openTestRedis(server)));
  const ledgers = stores.map((store) => storeLedger(store, longLease));
  const last = term("crowd", 1_000, "day");
  const standings = await Promise.all(
    Array.from({ length: 10_000 }, async (_, call) => {
      const ledger = ledgers[call % REPLICAS]!;
      return ledger.reserve(ledger.open(`crowd ${call}`, [last]), [1]);
    }),
  );
  const admitted = standings.filter(({ fits }) => fits).length;
  console.log(`crowd: ${admitted} of 10,000 calls over ${REPLICAS} replicas got the last 1,000 tokens`);
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  await Promise.all(stores.map((store) => store.close()));
  if (admitted !== 1_000) throw new Error(`${admitted} calls were admitted for 1,000 tokens`);
}

const child = fileURLToPath(new URL("processes/ledger-until-killed.ts", import.meta.url));

/** Replicas that die at every point; what they reserved is back when the lease has ended, and what they booked stays. */
async function killAll(server: RedisServer): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-faults-"));
  const file = join(folder, "state.db");
  const calls = Array.from({ length: KILLS }, (_, index) => ({
    name: `killed ${index}`,
    point: points[index % points.length]!,
    address: index % 20 < 10 ? server.url : file,
  }));
  const waiting = [...calls];
  const work = async () => {
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
      const replica = spawn(process.execPath, [child, call.address, call.name, call.point], { stdio: "inherit" });
      const [, signal] = (await once(replica, "exit")) as [number | null, string | null];
      if (signal !== "SIGKILL") throw new Error(`${call.point} was not reached`);
    }
  };
  await Promise.all([work(), work()]);
  await sleep(AFTER_LEASE_MS);
  const redis = await openTestRedis(server);
  const sqlite = createSqliteStore(
    { kind: "sqlite", file, synchronous: "normal" },
    { clock: systemClock, log: silentLog },
  );
  for (const call of calls) await checkKilled(call.address === file ? sqlite : redis, call.name, call.point);
  await redis.close();
  await sqlite.close();
  rmSync(folder, { recursive: true });
  console.log(`kills: ${KILLS} replicas died at ${points.length} points: overspent 0, leaked 0 after the lease`);
  return KILLS;
}

async function checkKilled(store: Store, name: string, point: (typeof points)[number]): Promise<void> {
  const { used } = await storeLedger(store).read([term(name, 100, "day"), term(`${name} in all`, 100, "none", "")]);
  const booked = point === "settled" || point === "closed";
  for (const each of used) {
    /* Killed while it settles: what all tenants share may be booked and the tenant's own not yet, or neither. */
    const fine = booked ? each === 50 : point === "settling" ? each === 0 || each === 50 : each === 0;
    if (!fine) throw new Error(`${point}: ${used.join(" and ")} are used`);
  }
}

/** Everything a ledger is promised to survive. Its last line counts. */
export async function faultLedger(): Promise<void> {
  const server = await startRedis();
  try {
    await crowd(server);
    const kills = await killAll(server);
    const sum = await runAll(server);
    console.log(`faults ledger: ${sum} operations and ${kills} kills: 0 over, 0 lost`);
  } finally {
    await server.stop();
  }
}
