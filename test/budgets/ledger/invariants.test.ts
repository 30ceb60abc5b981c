import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Window, windowEnd, windows, windowStart } from "../../../src/budgets/ledger/windows.ts";
import { type RedisServer, startRedis } from "../../state/redis-server.ts";
import { openRunLedgers, type RunKind } from "./ledgers.ts";
import { Run, steps } from "./random-run.ts";
import { term } from "./terms.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const die = fc.nat(99);
const anySteps = fc.array(fc.tuple(die, die, die, die), { maxLength: 60 });

describe.for<[kind: RunKind, runs: number, length: number]>([
  ["local", 300, 20_000],
  ["memory", 150, 5_000],
  ["sqlite", 40, 3_000],
  ["redis", 20, 1_500],
])("a ledger (%s), whatever happens to it", ([kind, numRuns, length]) => {
  test("never lets more be spent and reserved than its limits, and loses nothing", async () => {
    const ledgers = await openRunLedgers(kind, server);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(anySteps, async (taken) => {
        const run = new Run(ledgers, `${kind} ${(count += 1)}`);
        for (const step of taken) await run.step(step);
        await run.finish();
      }),
      { numRuns },
    );
    await ledgers.close();
    expect(count).toBeGreaterThanOrEqual(numRuns);
  });

  test("keeps to it over a long run", async () => {
    const ledgers = await openRunLedgers(kind, server);
    const run = new Run(ledgers, `${kind} long`);
    let taken = 0;
    for (const step of steps(7, length)) {
      await run.step(step);
      taken += 1;
    }
    await run.finish();
    await ledgers.close();
    expect(taken).toBe(length);
  });

  test("knows the calendar: every window ends where it does in UTC, in leap years too", async () => {
    const ledgers = await openRunLedgers(kind, server);
    const ledger = ledgers.open();
    const all: readonly Window[] = [...windows, 1_000, 90_000, 300_000, 7 * 86_400_000, 5_432_100];
    const terms = all.map((window) => term(`${kind} ${window}`, 10, window));
    /* Forwards only: a ledger's time never goes back. A prime number of hours meets every hour and every day of a week. */
    for (let atMs = Date.UTC(2026, 10, 23); atMs < Date.UTC(2033, 0, 3); atMs += 67 * 3_600_000 + 1_234) {
      ledgers.clock.set(atMs);
      const { endsMs } = await ledger.read(terms);
      expect(endsMs).toEqual(all.map((window) => windowEnd(window, windowStart(window, atMs))));
    }
    await ledgers.close();
  });
});
