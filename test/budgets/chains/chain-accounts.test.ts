import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ChainAccounts, createChainAccounts } from "../../../src/budgets/chains/chain-accounts.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { openStore } from "../../../src/state/state.ts";
import type { Store } from "../../../src/state/store.ts";
import { startRedis, type RedisServer } from "../../state/redis-server.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-chains-"));
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const deps = { clock: systemClock, log: silentLog };
/** The stores of two replicas. */
const kinds: Readonly<Record<string, () => Promise<readonly [Store, Store]>>> = {
  memory: async () => {
    const store = await openStore({ kind: "memory" }, deps);
    return [store, store];
  },
  "a SQLite file": async () => {
    const file = join(folder, `${crypto.randomUUID()}.db`);
    const open = () => openStore({ kind: "sqlite", file, synchronous: "normal" }, deps);
    return [await open(), await open()];
  },
  Redis: async () => {
    const prefix = `${crypto.randomUUID()}:`;
    const open = () =>
      openStore({ kind: "redis", urls: [redis.url], cluster: false, prefix, timeoutMs: 10_000, ca: undefined }, deps);
    return [await open(), await open()];
  },
};

const id = "4bf92f3577b34da6a3ce929d0e0e4736";
let stores: readonly [Store, Store];
let here: ChainAccounts;
let there: ChainAccounts;
let calls = 0;
let away = false;

const replica = (store: Store) =>
  createChainAccounts({ store: watched(store), log: silentLog, meter: createMetrics().meter });

const watched = (store: Store): Store => ({
  ...store,
  run(script, keys, args) {
    calls++;
    return away
      ? Promise.reject(new GatewayError("state_unavailable", "the store is away"))
      : store.run(script, keys, args);
  },
});

async function open(kind: string): Promise<void> {
  calls = 0;
  away = false;
  const opened = kinds[kind];
  if (opened === undefined) throw new Error(kind);
  stores = await opened();
  here = await replica(stores[0]);
  there = await replica(stores[1]);
}
afterEach(async () => {
  away = false;
  await here.close();
  await there.close();
  for (const store of new Set(stores)) await store.close();
});

describe.each(Object.keys(kinds))("the account of a chain, in %s,", (kind) => {
  beforeEach(() => open(kind));

  test("costs the store nothing while one request is all there is", async () => {
    const account = here.open(id);
    here.add(account, 1, 5);
    here.taint(account, "tool x");
    await here.flush();
    expect(calls).toBe(0);
    expect([account.operations, account.costNanos, account.taintedBy]).toEqual([1, 5, "tool x"]);
  });

  test("is what every replica adds to it, whichever writes when and how often", async () => {
    const [one, two] = [here.shared(id), there.shared(id)];
    for (let round = 1; round <= 3; round++) {
      here.add(one, 1, 10);
      there.add(two, 2, 100);
      await here.flush();
      await there.flush();
      await here.flush();
    }
    await here.share(one);
    expect([one.operations, one.costNanos]).toEqual([9, 330]);
    expect([two.operations, two.costNanos]).toEqual([9, 330]);
  });

  test("is there for the replica that an agent calls back at, with what was added before the hand-off", async () => {
    const account = here.open(id);
    here.add(account, 1, 7);
    here.taint(account, "agent stranger");
    await here.share(account);
    const seen = await there.load(id);
    expect([seen.operations, seen.costNanos, seen.taintedBy]).toEqual([1, 7, "agent stranger"]);
    expect(await there.load(id)).toBe(seen);
  });

  test("is not written for the first request of a run, which may be its only one", async () => {
    const account = here.shared(id);
    here.add(account, 1, 7);
    await here.flush();
    const reads = calls;
    here.add(account, 1, 7);
    await here.flush();
    expect(calls).toBe(reads + 1);
  });

  test("is tainted on every replica by a message, without waiting for a write", async () => {
    const [one, two] = [here.shared(id), there.shared(id)];
    expect(here.taint(one, "tool files/read_file")).toBe(true);
    await expect.poll(() => two.taintedBy).toBe("tool files/read_file");
    expect(there.taint(two, "tool other")).toBe(false);
    const late = await there.load(id);
    expect(late.taintedBy).toBe("tool files/read_file");
  });

  test("is tainted where the message came before its first request", async () => {
    here.taint(here.shared(id), "tool x");
    const other = "5".repeat(32);
    const later = there.shared(other);
    here.taint(here.shared(other), "tool y");
    /* Messages come in their order. */
    await expect.poll(() => later.taintedBy).toBe("tool y");
    expect(there.shared(id).taintedBy).toBe("tool x");
  });

  test("loses nothing while the store is away, and counts nothing twice when it is back", async () => {
    const account = here.shared(id);
    here.add(account, 2, 20);
    await here.flush();
    away = true;
    here.add(account, 1, 10);
    await here.flush();
    await expect(here.share(account)).rejects.toThrow("the store is away");
    here.add(account, 1, 10);
    away = false;
    await here.flush();
    await here.flush();
    expect(await there.load(id)).toMatchObject({ operations: 4, costNanos: 40 });
  });
});
