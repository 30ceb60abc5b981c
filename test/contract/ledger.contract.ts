import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Standing } from "../../src/budgets/ledger/counting.ts";
import type { Hold, Ledger } from "../../src/budgets/ledger/ledger.ts";
import { AFTER_LEASE_MS, term } from "../budgets/ledger/terms.ts";

/** One kind of ledger under the contract. */
export interface LedgerFixture {
  readonly ledger: Ledger & { renew(): void | Promise<void> };
  /** Another on the same counters; absent where they cannot be shared. */
  readonly second: Ledger | undefined;
  /** Lets the ledger's clock pass, for real where it is a server's. */
  pass(ms: number): Promise<void>;
  /** Sets the ledger's clock, where a test can. */
  readonly set?: (ms: number) => void;
  close(): Promise<void>;
}

/** What every ledger promises, wherever its counters are. */
export function describeLedger(name: string, open: () => Promise<LedgerFixture>): void {
  let fixture: LedgerFixture;
  let count = 0;
  const fresh = () => `${name} ${(count += 1)}`;
  const booked = async (ledger: Ledger, hold: Hold, used: readonly number[]) => {
    ledger.settle(hold, used);
    await ledger.read(hold.terms);
  };
  const used = async (...terms: Parameters<Ledger["read"]>[0]): Promise<readonly number[]> =>
    (await fixture.ledger.read(terms)).used;

  describe(`${name} keeps its word`, () => {
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(() => fixture.close());

    test("a call is reserved in all its limits or in none", async () => {
      const { ledger } = fixture;
      const [wide, tight] = [term(fresh(), 100), term(fresh(), 10)];
      const first = ledger.open(fresh(), [wide, tight]);
      expect((await ledger.reserve(first, [10, 10])).fits).toBe(true);
      const second = ledger.open(fresh(), [wide, tight]);
      const standing = await ledger.reserve(second, [1, 1]);
      expect(standing).toMatchObject({ fits: false, used: [10, 10] });
      expect(await used(wide, tight)).toEqual([10, 10]);
    });

    test("a limit across tenants is given back when the tenant's own has no room", async () => {
      const { ledger } = fixture;
      const shared = term(fresh(), 100, "none", "");
      const own = term(fresh(), 5);
      const standing = await ledger.reserve(ledger.open(fresh(), [own, shared]), [6, 6]);
      expect(standing.fits).toBe(false);
      expect(await used(own, shared)).toEqual([0, 0]);
      const hold = ledger.open(fresh(), [own, shared]);
      expect(await ledger.reserve(hold, [5, 6])).toMatchObject({ fits: true, used: [5, 6] });
      await booked(ledger, hold, [4, 3]);
      expect(await used(own, shared)).toEqual([4, 3]);
    });

    test("settling gives back what was not used, and settling again does nothing", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 100);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [80]);
      await booked(ledger, hold, [30]);
      await booked(ledger, hold, [30]);
      expect(await used(limit)).toEqual([30]);
      const other = ledger.open(fresh(), [limit]);
      expect((await ledger.reserve(other, [70])).fits).toBe(true);
    });

    test("one who settles for the same operation elsewhere changes nothing either", async () => {
      const { ledger, second } = fixture;
      if (second === undefined) return expect(fixture.second).toBeUndefined();
      const limit = term(fresh(), 100);
      const id = fresh();
      const hold = ledger.open(id, [limit]);
      await ledger.reserve(hold, [80]);
      await booked(ledger, hold, [30]);
      await booked(second, second.open(id, [limit]), [30]);
      expect(await used(limit)).toEqual([30]);
    });

    test("what was used beyond what was reserved is booked where there is room, and is debt beyond the limit", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 100);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [10]);
      await booked(ledger, hold, [130]);
      expect(await ledger.read([limit])).toMatchObject({ used: [130], debts: [30] });
      expect((await ledger.reserve(ledger.open(fresh(), [limit]), [1])).fits).toBe(false);
    });

    test("what a crashed replica had reserved comes back when its lease ends", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10);
      await ledger.reserve(ledger.open(fresh(), [limit]), [10]);
      expect((await ledger.reserve(ledger.open(fresh(), [limit]), [1])).fits).toBe(false);
      await fixture.pass(AFTER_LEASE_MS);
      expect(await used(limit)).toEqual([0]);
      expect((await ledger.reserve(ledger.open(fresh(), [limit]), [10])).fits).toBe(true);
    });

    test("one who settles after the lease has ended is charged all the same", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10);
      const late = ledger.open(fresh(), [limit]);
      await ledger.reserve(late, [10]);
      await fixture.pass(AFTER_LEASE_MS);
      const other = ledger.open(fresh(), [limit]);
      await ledger.reserve(other, [8]);
      await booked(ledger, late, [6]);
      expect(await ledger.read([limit])).toMatchObject({ used: [14], debts: [4] });
      await booked(ledger, other, [8]);
      expect(await ledger.read([limit])).toMatchObject({ used: [14], debts: [4] });
    });

    test("a lease that is renewed does not end", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [10]);
      for (let turn = 0; turn < 6; turn += 1) {
        await fixture.pass(AFTER_LEASE_MS / 4);
        await ledger.renew();
      }
      expect(await used(limit)).toEqual([10]);
      await booked(ledger, hold, [7]);
      expect(await used(limit)).toEqual([7]);
    });

    test("a reservation grows while there is room, and stays as it is when there is none", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [4]);
      expect((await ledger.extend(hold, [2], [8])).fits).toBe(true);
      expect(await ledger.extend(hold, [8], [12])).toMatchObject({ fits: false, used: [8] });
      expect((await ledger.extend(hold, [8], [10])).fits).toBe(true);
      await booked(ledger, hold, [9]);
      expect(await used(limit)).toEqual([9]);
    });

    test("nothing is reserved for what was settled", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [4]);
      await booked(ledger, hold, [1]);
      expect((await ledger.extend(hold, [1], [8])).fits).toBe(false);
      expect(await used(limit)).toEqual([1]);
    });

    test("a window's end is told, and it lies on the calendar", async () => {
      const { ledger } = fixture;
      const terms = (["second", "minute", "hour", "day", "week", "month", 90_000, 7 * 86_400_000] as const).map(
        (window) => term(fresh(), 10, window),
      );
      const standing: Standing = await ledger.read(terms);
      const now = new Date(standing.nowMs);
      const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
      const weekday = (now.getUTCDay() + 6) % 7;
      expect(standing.endsMs).toEqual([
        Math.floor(standing.nowMs / 1_000) * 1_000 + 1_000,
        Math.floor(standing.nowMs / 60_000) * 60_000 + 60_000,
        Math.floor(standing.nowMs / 3_600_000) * 3_600_000 + 3_600_000,
        midnight + 86_400_000,
        midnight + (7 - weekday) * 86_400_000,
        Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1),
        Math.floor(standing.nowMs / 90_000) * 90_000 + 90_000,
        Math.floor(standing.nowMs / (7 * 86_400_000)) * 7 * 86_400_000 + 7 * 86_400_000,
      ]);
    });

    test.each([
      ["second", 1_000],
      [1_500, 1_500],
    ] as const)("a new window begins with nothing but the debt of the last: %s", async (window, lengthMs) => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10, window);
      const { endsMs, nowMs } = await ledger.read([limit]);
      await fixture.pass(endsMs[0]! - nowMs + 5);
      const [one, over] = [ledger.open(fresh(), [limit]), ledger.open(fresh(), [limit])];
      await ledger.reserve(one, [6]);
      await ledger.reserve(over, [4]);
      await booked(ledger, over, [13]);
      expect(await ledger.read([limit])).toMatchObject({ used: [19], debts: [9] });
      await fixture.pass(lengthMs);
      expect(await ledger.read([limit])).toMatchObject({ used: [9], debts: [0] });
      /* It began in the window before, and is charged there: that window is gone. */
      await booked(ledger, one, [6]);
      expect(await ledger.read([limit])).toMatchObject({ used: [9] });
    });

    test("a stream that goes on into a new window reserves there what it uses there", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 10, "second");
      const { endsMs, nowMs } = await ledger.read([limit]);
      await fixture.pass(endsMs[0]! - nowMs + 5);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [6]);
      await fixture.pass(1_000);
      expect(await used(limit)).toEqual([0]);
      expect(await ledger.extend(hold, [5], [9])).toMatchObject({ fits: true, used: [4] });
      await booked(ledger, hold, [8]);
      expect(await used(limit)).toEqual([3]);
    });

    test("a clock that is set back opens no window twice", async () => {
      const { ledger, set } = fixture;
      if (set === undefined) return expect(fixture.set).toBeUndefined();
      const limit = term(fresh(), 10, "minute");
      const { nowMs } = await ledger.read([limit]);
      set(nowMs + 60_000);
      const hold = ledger.open(fresh(), [limit]);
      await ledger.reserve(hold, [10]);
      await booked(ledger, hold, [10]);
      set(nowMs);
      expect((await ledger.reserve(ledger.open(fresh(), [limit]), [1])).fits).toBe(false);
    });

    test("as many as fit get in, however many ask at once", async () => {
      const { ledger } = fixture;
      const limit = term(fresh(), 100);
      const holds = Array.from({ length: 500 }, () => ledger.open(fresh(), [limit]));
      const standings = await Promise.all(holds.map(async (hold) => ledger.reserve(hold, [1])));
      expect(standings.filter(({ fits }) => fits)).toHaveLength(100);
      expect(await used(limit)).toEqual([100]);
    });
  });
}
