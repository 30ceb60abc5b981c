import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openKeptCounters } from "../../src/budgets/ledger/kept-counters.ts";
import type { Ledger } from "../../src/budgets/ledger/ledger.ts";
import { createLocalLedger } from "../../src/budgets/ledger/local-ledger.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import { openTestRedis, storeLedger } from "../budgets/ledger/ledgers.ts";
import { AFTER_LEASE_MS, term, testLease } from "../budgets/ledger/terms.ts";
import type { RedisServer } from "../state/redis-server.ts";

/* Each point with what may be booked of the 50 that the call used. */
const onRedis = {
  "before reserving": [0],
  reserving: [0],
  reserved: [0],
  extending: [0],
  extended: [0],
  renewing: [0],
  renewed: [0],
  /* On its way: what all tenants share may be booked and the tenant's own not yet, or neither. */
  settling: [0, 50],
  settled: [50],
  closed: [50],
} as const;
const onFile = {
  "before reserving": [0],
  reserved: [0],
  extended: [0],
  renewed: [0],
  settled: [50],
  "settled twice": [50],
  /* What the one before left is with the store, and its note not yet gone. */
  "taken over": [0],
  writing: [50],
  written: [50],
  emptied: [50],
  closed: [50],
} as const;

const ROUNDS = 10;
const AT_ANY_MOMENT = 20;

const processOf = (name: string): string => fileURLToPath(new URL(`processes/${name}.ts`, import.meta.url));

async function die(script: string, ...args: readonly string[]): Promise<void> {
  const replica = spawn(process.execPath, [processOf(script), ...args], { stdio: "inherit" });
  const [, signal] = (await once(replica, "exit")) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error(`${args.at(-1)} was not reached`);
}

interface Killed {
  readonly name: string;
  readonly point: string;
  readonly booked: readonly number[];
}

const callsOf = (points: Readonly<Record<string, readonly number[]>>): readonly Killed[] =>
  Array.from({ length: ROUNDS }, (_, round) =>
    Object.entries(points).map(([point, booked]) => ({ name: `${point} ${round}`, point, booked })),
  ).flat();

async function check(ledger: Ledger, calls: readonly Killed[]): Promise<void> {
  for (const { name, point, booked } of calls) {
    const { used } = await ledger.read([term(name, 100, "day"), term(`${name} in all`, 100, "none", "")]);
    if (!used.every((each) => booked.includes(each))) throw new Error(`${point}: ${used.join(" and ")} are used`);
  }
}

/** What they reserved is back when the lease has ended, and what they booked stays. */
async function killOnRedis(server: RedisServer): Promise<number> {
  const calls = callsOf(onRedis);
  for (const { name, point } of calls) await die("ledger-until-killed", server.url, name, point);
  await sleep(AFTER_LEASE_MS);
  const store = await openTestRedis(server);
  await check(storeLedger(store), calls);
  await store.close();
  return calls.length;
}

async function openFile(file: string) {
  const store = createSqliteStore(
    { kind: "sqlite", file, synchronous: "normal" },
    { clock: systemClock, log: silentLog },
  );
  const kept = await openKeptCounters({ store, tailFile: `${file}-ledger`, clock: systemClock, log: silentLog });
  const ledger = createLocalLedger({ clock: systemClock, lease: testLease, kept });
  const close = async (): Promise<void> => {
    await ledger.close();
    await store.close();
  };
  return { ledger, close };
}

/** One after another on one file: each finds what all before it have left. */
async function killOnFile(file: string): Promise<number> {
  const calls = callsOf(onFile);
  for (const { name, point } of calls) await die("kept-until-killed", file, name, point);
  const { ledger, close } = await openFile(file);
  await check(ledger, calls);
  await close();
  return calls.length;
}

/** Killed from without while it books as fast as it can; what it has said is booked, and a little more is taken for booked. */
async function killAtAnyMoment(file: string): Promise<number> {
  let said = 0;
  for (let kill = 0; kill < AT_ANY_MOMENT; kill += 1) {
    const replica = spawn(process.execPath, [processOf("kept-until-stopped"), file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    replica.stdout.on("data", (words: Buffer) => (said += 5 * words.length));
    const gone = once(replica.stdout, "close");
    await once(replica.stdout, "data");
    await sleep(Math.random() * 100);
    replica.kill("SIGKILL");
    await gone;
  }
  const { ledger, close } = await openFile(file);
  const { used } = await ledger.read([term("at any moment", 10_000_000, "month")]);
  await close();
  const unsaid = (used[0] ?? 0) - said;
  /* Under load what is noted runs ahead by as much again as was booked since the file was written. */
  if (unsaid < 0 || unsaid > said) throw new Error(`${said} were booked, and ${used[0]} are used`);
  console.log(
    `kills: ${AT_ANY_MOMENT} at any moment, under load: of 10000000 ${said} were booked and 0 forgotten; ${unsaid} are taken for used, since notes run ahead`,
  );
  return AT_ANY_MOMENT;
}

/** Gateways that die at every point, on Redis and with a state file of their own. */
export async function killAll(server: RedisServer): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-faults-"));
  const [redis, file] = await Promise.all([killOnRedis(server), killOnFile(join(folder, "state.db"))]);
  const anywhere = await killAtAnyMoment(join(folder, "moments.db"));
  rmSync(folder, { recursive: true });
  console.log(
    `kills: ${redis} at ${Object.keys(onRedis).length} points on Redis, ${file} at ${Object.keys(onFile).length} points on a file: overspent 0, leaked 0 after the lease`,
  );
  return redis + file + anywhere;
}
