import { openRunLedgers, type RunKind } from "../budgets/ledger/ledgers.ts";
import { Run, steps } from "../budgets/ledger/random-run.ts";
import { type RedisServer, startRedis } from "../state/redis-server.ts";
import { crowd } from "./crowd.ts";
import { crowdOfRequests, killGateway } from "./gateways.ts";
import { killAll } from "./kills.ts";

const operations: Readonly<Record<RunKind, number>> = {
  local: 1_000_000,
  memory: 100_000,
  sqlite: 100_000,
  redis: 100_000,
};

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

/** Everything a ledger is promised to survive. Its last line counts. */
export async function faultLedger(): Promise<void> {
  const server = await startRedis();
  try {
    await crowd(server);
    await crowdOfRequests(server);
    const kills = (await killGateway()) + (await killAll(server));
    const sum = await runAll(server);
    console.log(`faults ledger: ${sum} operations and ${kills} kills: 0 over, 0 lost`);
  } finally {
    await server.stop();
  }
}
