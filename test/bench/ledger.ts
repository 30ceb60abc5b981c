import type { Ledger } from "../../src/budgets/ledger.ts";
import type { StoreScript } from "../../src/state/store.ts";
import { ledgerKinds, openTestRedis } from "../budgets/ledgers.ts";
import { term } from "../budgets/terms.ts";
import { startRedis } from "../state/redis-server.ts";
import { median } from "./report.ts";

const ROUNDS = 5;
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

/** One call: reserved in two limits, then settled. */
function callOf(ledger: Ledger, round: number) {
  const terms = [term("bench a", 1e14, "day"), term("bench b", 1e14, "minute")];
  return (index: number): void | Promise<void> => {
    const hold = ledger.open(`${round} ${index}`, terms);
    const standing = ledger.reserve(hold, [1_000, 1_000]);
    if (!(standing instanceof Promise)) return ledger.settle(hold, [500, 500]);
    return standing.then(() => ledger.settle(hold, [500, 500]));
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

function print(name: string, { perSecond, cpuUs }: Measured): void {
  console.log(
    `${name.padEnd(34)}${Math.round(perSecond).toString().padStart(9)} calls/s${cpuUs.toFixed(1).padStart(8)} µs CPU a call`,
  );
}

/** What a call costs in each kind of ledger; the last line compares Redis with two scripts that do nothing. */
export async function benchLedger(): Promise<void> {
  const server = await startRedis();
  console.log(
    `a call is reserved in two limits and settled; ${AT_A_TIME} at a time; CPU of the gateway's process alone`,
  );
  let onRedis: Measured | undefined;
  for (const [name, open] of Object.entries(ledgerKinds)) {
    const fixture = await open(server);
    const isSlow = fixture.second !== undefined;
    onRedis = await rounds(isSlow ? 6_400 : 320_000, (round) => callOf(fixture.ledger, round));
    print(name, onRedis);
    await fixture.close();
  }
  const store = await openTestRedis(server);
  const floor = await rounds(6_400, () => async () => {
    await store.run(nothing, ["{bench}"], []);
    await store.run(nothing, ["{bench}"], []);
  });
  print("two empty scripts on Redis", floor);
  await store.close();
  await server.stop();
  if (onRedis !== undefined) console.log(`bench ledger: ratio ${(onRedis.cpuUs / floor.cpuUs).toFixed(2)}`);
}
