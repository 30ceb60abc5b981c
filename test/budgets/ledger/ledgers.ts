import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lease } from "../../../src/budgets/ledger/counting.ts";
import { openKeptCounters } from "../../../src/budgets/ledger/kept-counters.ts";
import { createLocalLedger } from "../../../src/budgets/ledger/local-ledger.ts";
import { createStoreLedger } from "../../../src/budgets/ledger/store-ledger.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMemoryStore } from "../../../src/state/memory.ts";
import { openRedisStore } from "../../../src/state/redis.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import type { Store, StoreScript } from "../../../src/state/store.ts";
import type { LedgerFixture } from "../../contract/ledger.contract.ts";
import type { RedisServer } from "../../state/redis-server.ts";
import type { RunLedgers } from "./random-run.ts";
import { testLease } from "./terms.ts";

/** A clock that is set and moved by hand. */
export function createSetClock(): Clock & { set(ms: number): void; pass(ms: number): void } {
  let nowMs = 1_750_000_000_000;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    set(ms) {
      nowMs = ms;
    },
    pass(ms) {
      nowMs += ms;
    },
  };
}

/** Of a replica, with patience for a loaded machine. */
export const storeLedger = (store: Store, lease: Lease = testLease) =>
  createStoreLedger({ store, lease, log: silentLog, timeoutMs: 30_000 });

type Kind = (redis: RedisServer | undefined) => Promise<LedgerFixture>;

const local: Kind = async () => {
  const clock = createSetClock();
  const ledger = createLocalLedger({ clock, lease: testLease });
  return { ledger, second: undefined, pass: async (ms) => clock.pass(ms), set: clock.set, close: ledger.close };
};

const keptInFile: Kind = async () => {
  const clock = createSetClock();
  const folder = mkdtempSync(join(tmpdir(), "sallyport-ledger-"));
  const store = createSqliteStore(
    { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" },
    { clock, log: silentLog },
  );
  const kept = await openKeptCounters({ store, tailFile: join(folder, "ledger"), clock, log: silentLog });
  const ledger = createLocalLedger({ clock, lease: testLease, kept });
  return {
    ledger,
    second: undefined,
    pass: async (ms) => clock.pass(ms),
    set: clock.set,
    async close() {
      await ledger.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
};

const memory: Kind = async () => {
  const clock = createSetClock();
  const store = createMemoryStore({ clock, log: silentLog });
  const [ledger, second] = [storeLedger(store), storeLedger(store)];
  return { ledger, second, pass: async (ms) => clock.pass(ms), set: clock.set, close: () => store.close() };
};

const sqlite: Kind = async () => {
  const clock = createSetClock();
  const folder = mkdtempSync(join(tmpdir(), "sallyport-ledger-"));
  const config = { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" } as const;
  const store = createSqliteStore(config, { clock, log: silentLog });
  const [ledger, second] = [storeLedger(store), storeLedger(store)];
  return {
    ledger,
    second,
    pass: async (ms) => clock.pass(ms),
    set: clock.set,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
};

export const openTestRedis = (server: RedisServer, timeoutMs = 10_000): Promise<Store> =>
  openRedisStore(
    { kind: "redis", urls: [server.url], cluster: false, prefix: "sallyport:", timeoutMs, ca: undefined },
    { log: silentLog },
  );

const redis: Kind = async (server) => {
  if (server === undefined) throw new Error("this ledger needs a Redis");
  return shared(await Promise.all([openTestRedis(server), openTestRedis(server)]));
};

/** On stores that go by a server's clock. */
export function shared([store, other]: readonly [Store, Store]): LedgerFixture {
  const [ledger, second] = [storeLedger(store), storeLedger(other)];
  return {
    ledger,
    second,
    pass: (ms) => sleep(ms + 2),
    async close() {
      await Promise.all([ledger.close(), second.close()]);
      await Promise.all([store.close(), other.close()]);
    },
  };
}

/** Every kind of ledger there is. */
export const ledgerKinds = {
  "this process": local,
  "this process, kept in a SQLite file": keptInFile,
  "the memory store": memory,
  "a SQLite file": sqlite,
  "a Redis server": redis,
};

/** The same store under a clock of the test's own: also Redis, whose scripts otherwise go by its server's. */
export function withClock(store: Store, clock: Clock): Store {
  const scripts = new Map<StoreScript, StoreScript>();
  const clocked = (script: StoreScript): StoreScript => ({
    name: script.name,
    lua: `view.nowMs = tonumber(table.remove(ARGV))\n${script.lua}`,
    run: (view, keys, args) =>
      script.run(
        { ...view, get: view.get, set: view.set, delete: view.delete, nowMs: Number(args.at(-1)) },
        keys,
        args.slice(0, -1),
      ),
  });
  return {
    ...store,
    run(script, keys, args) {
      let made = scripts.get(script);
      if (made === undefined) scripts.set(script, (made = clocked(script)));
      return store.run(made, keys, [...args, String(clock.now())]);
    },
  };
}

export type RunKind = "local" | "memory" | "sqlite" | "redis";

/** Ledgers for runs against the oracle. */
export async function openRunLedgers(
  kind: RunKind,
  server?: RedisServer,
): Promise<RunLedgers & { close(): Promise<void> }> {
  const clock = createSetClock();
  if (kind === "local") {
    const open = () => createLocalLedger({ clock, lease: testLease });
    return { open, clock, canCrash: false, close: async () => {} };
  }
  /* Records expire by a clock that stands still; time within the scripts is the test's. */
  const still = { now: () => 0, monotonic: () => 0 };
  const folder = mkdtempSync(join(tmpdir(), "sallyport-ledger-"));
  const file = { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" } as const;
  const stores = {
    memory: async () => createMemoryStore({ clock: still, log: silentLog }),
    sqlite: async () => createSqliteStore(file, { clock: still, log: silentLog }),
    redis: async () => {
      if (server === undefined) throw new Error("this ledger needs a Redis");
      return openTestRedis(server);
    },
  };
  const store = await stores[kind]();
  const clocked = withClock(store, clock);
  return {
    open: () => storeLedger(clocked),
    clock,
    canCrash: true,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
