import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "../../src/budgets/ledger/ledger.ts";
import type { StoreScript } from "../../src/state/store.ts";
import { ledgerKinds, openTestRedis } from "../budgets/ledger/ledgers.ts";
import { term } from "../budgets/ledger/terms.ts";
import { startRedis } from "../state/redis-server.ts";
import { median, printTable } from "./report.ts";

const ROUNDS = 5;
/** Calls in a round: with counters in this process, and in a store. */
const LOCAL_CALLS = 320_000;
const STORE_CALLS = 6_400;
/** Calls under way at a time, as behind 32 connections. */
const AT_A_TIME = 32;

/* What a script on Redis costs that does nothing. */
const nothing: StoreScript = { name: "nothing", lua: "return KEYS[1]", run: (_view, keys) => keys[0] ?? "" };

interface Measured {
  readonly perSecond: number;
  readonly cpuUs: number;
}

async function measure(count: number, work: (index: number) => void | Promise<void>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  for (let index = 0; index < count; index += AT_A_TIME) {
    const pending: Promise<void>[] = [];
    for (let call = 0; call < AT_A_TIME; call += 1) {
      const done = work(index + call);
      if (done !== undefined) pending.push(done);
    }
    if (pending.length > 0) await Promise.all(pending);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / seconds, cpuUs: (user + system) / count };
}

const RESERVED = 1_000;
const USED = 500;
const terms = [term("bench a", 1e14, "day"), term("bench b", 1e14, "minute")];

/** One call: reserved in two limits, then settled. */
function callOf(ledger: Ledger, round: number) {
  return (index: number): void | Promise<void> => {
    const hold = ledger.open(`${round} ${index}`, terms);
    const standing = ledger.reserve(hold, [RESERVED, RESERVED]);
    if (!(standing instanceof Promise)) return ledger.settle(hold, [USED, USED]);
    return standing.then(() => ledger.settle(hold, [USED, USED]));
  };
}

async function rounds(
  count: number,
  work: (round: number) => (index: number) => void | Promise<void>,
): Promise<Measured> {
  await measure(count, work(0));
  const all: Measured[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) all.push(await measure(count, work(round)));
  return { perSecond: median(all.map((each) => each.perSecond)), cpuUs: median(all.map((each) => each.cpuUs)) };
}

/** Settling is done in the background: what was measured must all be booked in the end. */
async function checkBooked(name: string, ledger: Ledger, calls: number): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const [used] = (await ledger.read(terms)).used;
    if (used === calls * USED) return;
    if (Date.now() > deadline) throw new Error(`${name}: ${used} is booked of ${calls * USED}`);
    await sleep(50);
  }
}

const toRow = (name: string, { perSecond, cpuUs }: Measured): string[] => [
  name,
  Math.round(perSecond).toLocaleString("en"),
  Math.round(perSecond * 2).toLocaleString("en"),
  cpuUs.toFixed(1),
];

/** What a call costs in each kind of ledger; the last line compares Redis with two scripts that do nothing. */
export async function benchLedger(): Promise<void> {
  const server = await startRedis();
  console.log(
    `ledger: a call is two operations, reserve and settle, each in two limits; ${AT_A_TIME} calls at a time; medians of ${ROUNDS} rounds\n` +
      `CPU of this process alone; on Redis the server's own comes to it; every call is booked in the end\n` +
      `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`,
  );
  const table = [["", "calls/s", "operations/s", "CPU µs a call"]];
  let onRedis: Measured | undefined;
  for (const [name, open] of Object.entries(ledgerKinds)) {
    const fixture = await open(server);
    const count = fixture.second === undefined ? LOCAL_CALLS : STORE_CALLS;
    onRedis = await rounds(count, (round) => callOf(fixture.ledger, round));
    await checkBooked(name, fixture.ledger, count * (ROUNDS + 1));
    table.push(toRow(name, onRedis));
    await fixture.close();
  }
  const store = await openTestRedis(server);
  const floor = await rounds(STORE_CALLS, () => async () => {
    await store.run(nothing, ["{bench}"], []);
    await store.run(nothing, ["{bench}"], []);
  });
  table.push(toRow("two empty scripts on Redis", floor));
  await store.close();
  await server.stop();
  printTable(table);
  if (onRedis !== undefined) console.log(`bench ledger: ratio ${(onRedis.cpuUs / floor.cpuUs).toFixed(2)}`);
}
