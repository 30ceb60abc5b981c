import { expect, test } from "vitest";
import type { Term } from "../../../src/budgets/ledger/counter.ts";
import { createLocalLedger } from "../../../src/budgets/ledger/local-ledger.ts";
import { keepLoneTerms } from "../../../src/budgets/ledger/lone-terms.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMemoryStore } from "../../../src/state/memory.ts";
import { createSetClock, storeLedger } from "./ledgers.ts";
import { longLease, term } from "./terms.ts";

const lone = (limit: number): Term => ({ ...term("", limit), lone: true });

function open() {
  const clock = createSetClock();
  const store = createMemoryStore({ clock, log: silentLog });
  let deeds = 0;
  const counted = { ...store, run: (...args: Parameters<typeof store.run>) => (deeds++, store.run(...args)) };
  const ledger = keepLoneTerms(storeLedger(counted, longLease), createLocalLedger({ clock, lease: longLease }));
  return { ledger, deeds: () => deeds };
}

test("terms that no other operation can count in never reach the store", async () => {
  const { ledger, deeds } = open();
  const first = ledger.open("one", [lone(10), lone(100)]);
  expect(await ledger.reserve(first, [10, 50])).toMatchObject({ fits: true, used: [10, 50] });
  expect(await ledger.extend(first, [10, 50], [10, 101])).toMatchObject({ fits: false, used: [10, 50] });
  expect(await ledger.extend(first, [10, 50], [10, 100])).toMatchObject({ fits: true, used: [10, 100] });
  ledger.settle(first, [10, 100]);
  const second = ledger.open("two", [lone(10)]);
  expect(await ledger.reserve(second, [10])).toMatchObject({ fits: true });
  expect(await ledger.reserve(ledger.open("three", [lone(10)]), [11])).toMatchObject({ fits: false, used: [0] });
  expect(deeds()).toBe(0);
});

test("together with terms that are shared all are reserved or none, each told in its place", async () => {
  const { ledger } = open();
  const all = term("all", 100);
  const first = ledger.open("one", [all, lone(10)]);
  expect(await ledger.reserve(first, [60, 5])).toMatchObject({ fits: true, used: [60, 5] });
  expect(await ledger.reserve(ledger.open("two", [lone(10), all]), [5, 60])).toMatchObject({
    fits: false,
    used: [0, 60],
  });
  expect(await ledger.reserve(ledger.open("three", [lone(10), all]), [11, 1])).toMatchObject({ fits: false });
  expect(await ledger.read([all])).toMatchObject({ used: [60] });
  ledger.settle(first, [40, 5]);
  await ledger.close();
  expect(await ledger.read([all])).toMatchObject({ used: [40] });
});

test("a store that is away leaves nothing reserved here", async () => {
  const clock = createSetClock();
  const own = createLocalLedger({ clock, lease: longLease });
  const away = { ...own, reserve: () => Promise.reject(new Error("away")) };
  const ledger = keepLoneTerms(away, own);
  const hold = ledger.open("one", [term("all", 10), lone(10)]);
  await expect(ledger.reserve(hold, [1, 10])).rejects.toThrow("away");
  ledger.settle(hold, [0, 0]);
});

test("chains that are not heard of any more make room for others; windows that run do not", async () => {
  const clock = createSetClock();
  const ledger = createLocalLedger({ clock, lease: longLease, mostCounters: 2_000 });
  const chain = (at: number): Term => ({ ...term(`chain ${at}`, 100), idleMs: 1_000_000_000 });
  const day = term("day", 1_000_000, "day");
  for (let at = 0; at < 10_000; at++) {
    clock.pass(1);
    const hold = ledger.open(`call ${at}`, [day, chain(at)]);
    expect(await ledger.reserve(hold, [1, 1])).toMatchObject({ fits: true });
    ledger.settle(hold, [1, 1]);
  }
  expect(await ledger.read([day, chain(9_999), chain(0)])).toMatchObject({ used: [10_000, 1, 0] });
});
