import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hold, Ledger } from "../../../src/budgets/ledger/ledger.ts";
import { type RedisServer, startRedis } from "../../state/redis-server.ts";
import { openRunLedgers, type RunKind } from "./ledgers.ts";
import { steps } from "./random-run.ts";
import { term } from "./terms.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const WORKERS = 32;
const REPLICAS = 3;

/*
 * Calls that overlap in every way: the oracle's runs go step by step. Here several tags of one call are taken while others take theirs,
 * and whoever looks in between must not see more spent and reserved than the limit.
 */
describe.for<[kind: RunKind, calls: number]>([
  ["local", 8_000],
  ["memory", 4_000],
  ["sqlite", 2_000],
  ["redis", 3_000],
])("%s", ([kind, calls]) => {
  test("calls at the same time, cut short, retried, settled twice or never: never over at any instant, and nothing left", async () => {
    const ledgers = await openRunLedgers(kind, server);
    const replicas = Array.from({ length: ledgers.canCrash ? REPLICAS : 1 }, () => ledgers.open());
    const tag = `concurrent ${kind}`;
    const terms = [term(`${tag} a`, 40), term(`${tag} b`, 300, "month"), term(`${tag} c`, 90, "none", "")];
    const choices: readonly (readonly number[])[] = [[0], [2], [0, 1], [0, 2], [0, 1, 2]];
    const booked = terms.map(() => 0);
    const dice = steps(20_261_123, calls * 2);
    const seen = { admitted: 0, refused: 0, left: 0, grown: 0, looks: 0, most: 0 };
    let left = calls;
    let running = true;

    const look = async (): Promise<void> => {
      while (running) {
        const { used } = await replicas[0]!.read(terms);
        for (const [at, { limit }] of terms.entries()) {
          if (used[at]! > limit) throw new Error(`${used[at]} of ${limit} are spent and reserved`);
          seen.most = Math.max(seen.most, used[at]! / limit);
        }
        seen.looks += 1;
        /* So that what was left comes back on the way, and calls that live do not outlive their lease. */
        ledgers.clock.pass(seen.looks % 10 === 0 ? -30 : 20);
        await turn();
      }
    };

    const settle = (ledger: Ledger, hold: Hold, counters: readonly number[], used: readonly number[]): void => {
      ledger.settle(hold, used);
      for (const [at, counter] of counters.entries()) booked[counter]! += used[at]!;
    };

    const work = async (worker: number): Promise<void> => {
      while (left-- > 0) {
        const { value: step } = dice.next();
        if (step === undefined) return;
        const [verb, one, two, three] = step;
        const counters = choices[one % choices.length]!;
        const ledger = replicas[three % replicas.length]!;
        const hold = ledger.open(
          `${tag} ${worker} ${left}`,
          counters.map((at) => terms[at]!),
        );
        const amounts = counters.map((_, at) => 1 + ((two + at) % 7));
        if (!(await ledger.reserve(hold, amounts)).fits) {
          seen.refused += 1;
          await turn();
          continue;
        }
        seen.admitted += 1;
        for (let pause = three % 4; pause > 0; pause -= 1) await turn();
        /* Its replica dies, or forgets it: the lease gives back what it held. */
        if (verb < 3 && ledgers.canCrash) {
          seen.left += 1;
          continue;
        }
        let held = amounts;
        if (verb < 40) {
          const more = amounts.map((amount) => amount + 3);
          if ((await ledger.extend(hold, amounts, more)).fits) {
            held = more;
            seen.grown += 1;
          }
        }
        /* Most are cut short and use nothing; what is used stays, so that limits fill up slowly. */
        const used = held.map((amount) => (verb % 50 === 0 ? Math.min(1, amount) : 0));
        settle(ledger, hold, counters, used);
        /* Told again, also by another replica: of a hold with this name there is nothing left. */
        if (verb >= 50) continue;
        ledger.settle(hold, used);
        const other = replicas[one % replicas.length]!;
        if (other === ledger) continue;
        await ledger.read(hold.terms);
        other.settle(other.open(hold.id, hold.terms), used);
      }
    };

    const looking = look();
    const failed = looking.catch((error: unknown) => error);
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
    running = false;
    expect(await failed).toBeUndefined();
    for (const ledger of replicas) await ledger.close();
    ledgers.clock.pass(10_000);
    expect((await replicas[0]!.read(terms)).used).toEqual(booked);
    /* It was a crowd, and it was tight. */
    expect(seen.admitted).toBeGreaterThan(calls / 20);
    expect(seen.refused).toBeGreaterThan(calls / 20);
    expect(seen.grown).toBeGreaterThan(calls / 100);
    expect(seen.looks).toBeGreaterThan(10);
    expect(seen.most).toBeGreaterThan(0.8);
    if (ledgers.canCrash) expect(seen.left).toBeGreaterThan(10);
    await ledgers.close();
  });
});
