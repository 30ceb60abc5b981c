import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openKeptCounters } from "../../src/budgets/kept-counters.ts";
import type { Ledger } from "../../src/budgets/ledger.ts";
import { createLocalLedger } from "../../src/budgets/local-ledger.ts";
import type { Window } from "../../src/budgets/windows.ts";
import { silentLog } from "../../src/core/log.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import { createSetClock } from "./ledgers.ts";
import { term, testLease } from "./terms.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
const clock = createSetClock();
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process with this file: what it spends, and its end, orderly or not. */
async function start() {
  const config = { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" } as const;
  const store = createSqliteStore(config, { clock, log: silentLog });
  const kept = await openKeptCounters(store, silentLog);
  const ledger = createLocalLedger({ clock, lease: testLease, kept });
  return { store, kept, ledger };
}

async function spend(ledger: Ledger, limit: ReturnType<typeof term>, amount: number, reserved = amount) {
  const hold = ledger.open(`${Math.random()}`, [limit]);
  const standing = await ledger.reserve(hold, [reserved]);
  if (standing.fits) ledger.settle(hold, [amount]);
  return standing.fits;
}

test.each<Window>(["none", "day", "month"])("what a window of %s has spent outlives the process", async (window) => {
  const limit = term(`${window} Größe \u0000 of any name`, 100, window);
  const first = await start();
  expect(await spend(first.ledger, limit, 60)).toBe(true);
  /* Reserved and never settled: it goes with the process that asked. */
  await first.ledger.reserve(first.ledger.open("left", [limit]), [30]);
  await first.ledger.close();
  await first.store.close();

  const second = await start();
  expect((await second.ledger.read([limit])).used).toEqual([60]);
  expect(await spend(second.ledger, limit, 41)).toBe(false);
  expect(await spend(second.ledger, limit, 40)).toBe(true);
  await second.ledger.close();
  await second.store.close();
});

test("debt is still owed after a restart, and a window that is over is forgotten", async () => {
  const debtor = term("debtor", 100, "minute");
  const other = term("other", 100, "minute");
  const first = await start();
  expect(await spend(first.ledger, debtor, 150, 100)).toBe(true);
  expect(await spend(first.ledger, other, 70)).toBe(true);
  await first.ledger.close();
  await first.store.close();

  clock.pass(60_000);
  const second = await start();
  expect((await second.ledger.read([debtor, other])).used).toEqual([50, 0]);
  await second.ledger.close();
  await second.store.close();
});

test("while the file cannot be written nothing is forgotten: it is written once it can", async () => {
  const limit = term("patient", 100, "day");
  const first = await start();
  let broken = true;
  const kept = await openKeptCounters(
    {
      list: first.store.list.bind(first.store),
      putMany: (collection, entries) =>
        broken ? Promise.reject(new Error("disk full")) : first.store.putMany(collection, entries),
    },
    silentLog,
  );
  const ledger = createLocalLedger({ clock, lease: testLease, kept });
  expect(await spend(ledger, limit, 60)).toBe(true);
  await expect(kept.flush()).rejects.toThrow("disk full");
  broken = false;
  await ledger.close();
  await first.store.close();
  const second = await start();
  expect((await second.ledger.read([limit])).used).toEqual([60]);
  await second.store.close();
});
