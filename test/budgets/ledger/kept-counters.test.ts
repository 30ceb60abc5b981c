import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openKeptCounters } from "../../../src/budgets/ledger/kept-counters.ts";
import type { Ledger } from "../../../src/budgets/ledger/ledger.ts";
import { createLocalLedger } from "../../../src/budgets/ledger/local-ledger.ts";
import type { Window } from "../../../src/budgets/ledger/windows.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import type { Store } from "../../../src/state/store.ts";
import { createSetClock } from "./ledgers.ts";
import { term, testLease } from "./terms.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
const tailFile = join(folder, "state.db-ledger");
const clock = createSetClock();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A process with this file. `crashes`: it will never come to write what it has booked to the store. */
async function start({ crashes = false } = {}) {
  const config = { kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" } as const;
  const store = createSqliteStore(config, { clock, log: silentLog });
  let opened = false;
  const mortal: Pick<Store, "list" | "putMany"> = {
    list: store.list.bind(store),
    putMany: (...given) => (crashes && opened ? new Promise(() => {}) : store.putMany(...given)),
  };
  const kept = await openKeptCounters({ store: mortal, tailFile, clock, log: silentLog });
  opened = true;
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
  const store: Pick<Store, "list" | "putMany"> = {
    list: first.store.list.bind(first.store),
    putMany: (collection, entries) =>
      broken ? Promise.reject(new Error("disk full")) : first.store.putMany(collection, entries),
  };
  const kept = await openKeptCounters({ store, tailFile, clock, log: silentLog });
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

test("what was booked is on file when it is booked: a process that ends without a word has forgotten nothing", async () => {
  const [day, other] = [term("killed day", 100, "day"), term("killed other", 10)];
  const first = await start({ crashes: true });
  expect(await spend(first.ledger, day, 30)).toBe(true);
  expect(await spend(first.ledger, day, 40)).toBe(true);
  expect(await spend(first.ledger, other, 12, 10)).toBe(true);
  /* What stood there already when the disk ran full, and a line of nobody's. */
  appendFileSync(tailFile, '\n["killed da');
  appendFileSync(tailFile, '\n{"name":1}');

  const second = await start({ crashes: true });
  expect(await second.ledger.read([day, other])).toMatchObject({ used: [70, 12], debts: [0, 2] });
  expect(await spend(second.ledger, day, 31)).toBe(false);
  expect(await spend(second.ledger, day, 30)).toBe(true);
  /* Twice in a row: what the first left is not taken for newer than what the second has added. */
  const third = await start();
  expect((await third.ledger.read([day, other])).used).toEqual([100, 12]);
  for (const each of [first, second, third]) await each.store.close();
});

test("under load few calls are noted, and a process that is killed then has forgotten nothing and taken little too much for spent", async () => {
  const limit = term("busy", 1_000_000, "day");
  const first = await start({ crashes: true });
  const before = statSync(tailFile).size;
  for (let call = 0; call < 2_000; call++) expect(await spend(first.ledger, limit, 7)).toBe(true);
  const notes = (statSync(tailFile).size - before) / '["|busy",1749945600000,14000,0,1750035600000]n'.length;
  expect(notes).toBeLessThan(20);
  const second = await start();
  const [used = 0] = (await second.ledger.read([limit])).used;
  expect(used).toBeGreaterThanOrEqual(14_000);
  expect(used).toBeLessThanOrEqual(24_000);
  for (const each of [first, second]) await each.store.close();
});

test("notes never say that a limit is used up before it is", async () => {
  const limit = term("nearly", 1_000);
  const first = await start({ crashes: true });
  for (let call = 0; call < 995; call++) await spend(first.ledger, limit, 1);
  const second = await start();
  const [used = 0] = (await second.ledger.read([limit])).used;
  expect(used).toBeGreaterThanOrEqual(995);
  expect(used).toBeLessThanOrEqual(1_000);
  for (const each of [first, second]) await each.store.close();
});

test("a counter that nobody asked for since is still known two crashes later", async () => {
  const limit = term("asleep", 100);
  const first = await start({ crashes: true });
  expect(await spend(first.ledger, limit, 60)).toBe(true);
  const second = await start({ crashes: true });
  expect(await spend(second.ledger, term("awake", 100), 1)).toBe(true);
  const third = await start();
  expect((await third.ledger.read([limit])).used).toEqual([60]);
  for (const each of [first, second, third]) await each.store.close();
});

test("the file is emptied when the store has everything, and never tells more than the store knows", async () => {
  const limit = term("emptied", 100, "day");
  const first = await start();
  expect(await spend(first.ledger, limit, 20)).toBe(true);
  expect(statSync(tailFile).size).toBeGreaterThan(0);
  await first.kept.flush();
  expect(statSync(tailFile).size).toBe(0);
  expect(await spend(first.ledger, limit, 20)).toBe(true);
  await first.ledger.close();
  truncateSync(tailFile, 0);
  await first.store.close();
  const second = await start();
  expect((await second.ledger.read([limit])).used).toEqual([40]);
  await second.ledger.close();
  await second.store.close();
});

test("while the store takes nothing the file does not grow without end, and still knows everything", async () => {
  const store = createSqliteStore(
    { kind: "sqlite", file: join(folder, "full.db"), synchronous: "normal" },
    { clock, log: silentLog },
  );
  const refusing: Pick<Store, "list" | "putMany"> = {
    list: store.list.bind(store),
    putMany: () => Promise.reject(new Error("disk full")),
  };
  const file = join(folder, "full.db-ledger");
  const options = { tailFile: file, clock, log: silentLog, mostTailBytes: 4_096 };
  const kept = await openKeptCounters({ store: refusing, ...options });
  const ledger = createLocalLedger({ clock, lease: testLease, kept });
  const terms = Array.from({ length: 10 }, (_, at) => term(`full ${at}`, 90));
  for (let call = 0; call < 80; call += 1) for (const limit of terms) expect(await spend(ledger, limit, 1)).toBe(true);
  expect(statSync(file).size).toBeLessThan(8_192);
  const next = await openKeptCounters({ store, ...options });
  expect((await createLocalLedger({ clock, lease: testLease, kept: next }).read(terms)).used).toEqual(
    terms.map(() => 80),
  );
  await next.close();
  await store.close();
});

test("after a restart notes run ahead of what this process has booked, not of what it found", async () => {
  const limit = term("found", 100_000, "day");
  const first = await start();
  expect(await spend(first.ledger, limit, 50_000)).toBe(true);
  await first.ledger.close();
  await first.store.close();
  const second = await start({ crashes: true });
  for (let call = 0; call < 8; call += 1) expect(await spend(second.ledger, limit, 1)).toBe(true);
  const third = await start();
  const { used } = await third.ledger.read([limit]);
  expect(used[0]).toBeGreaterThanOrEqual(50_008);
  expect(used[0]).toBeLessThanOrEqual(50_016);
  await third.ledger.close();
  for (const each of [second, third]) await each.store.close();
});
