import { expect, test } from "vitest";
import type { ChainList, ChainSort } from "../../src/console/api/chains.ts";
import { createChainIndex } from "../../src/console/chain-index.ts";
import { listChains } from "../../src/console/list-chains.ts";
import { silentLog } from "../../src/core/log.ts";
import { observabilityConfig } from "../../src/observability/config.ts";
import { createJournal } from "../../src/observability/journal.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { createTestContext } from "../observability/test-context.ts";

const startMs = Date.UTC(2026, 10, 23, 12);

/** A journal, and what puts calls into it: `count` chains of one call each. */
function openJournal(options: object = {}) {
  const clock = { nowMs: startMs, now: () => clock.nowMs, monotonic: () => clock.nowMs };
  const store = createMemoryStore({ clock, log: silentLog });
  const config = observabilityConfig.observability.parse({ journal: options }).journal;
  const journal = createJournal(config, { store, clock, log: silentLog, meter: createMetrics().meter });
  let made = 0;
  async function record(count: number, chain?: string): Promise<void> {
    for (let left = count; left > 0; left--) {
      made += 1;
      clock.nowMs += 1;
      const id = chain ?? `chain-${String(made).padStart(6, "0")}`;
      const context = { costNanos: (made * 7_919) % 10_007 };
      journal.record(
        createTestContext({ id: `operation-${made}`, request: id, chain: id, startedAtMs: clock.nowMs, context }),
        { status: "ok", durationMs: 1 },
        "hash",
      );
      /* What waits is bounded. */
      if (left % 5_000 === 0) await journal.flush();
    }
  }
  return { clock, journal, record, close: () => journal.close().then(() => store.close()) };
}

/** All pages. */
async function listAll(list: (after: string | undefined) => Promise<ChainList>): Promise<readonly ChainList[]> {
  const pages: ChainList[] = [];
  for (let after: string | undefined; ;) {
    const page = await list(after);
    pages.push(page);
    if (page.next === undefined) return pages;
    after = page.next;
  }
}

test("twelve thousand chains are paged in every order, each met once", async () => {
  const { clock, journal, record, close } = openJournal();
  await record(12_000);
  const index = createChainIndex(journal, clock);
  for (const sort of ["newest", "cost", "calls"] satisfies ChainSort[]) {
    const pages = await listAll((after) =>
      listChains(index, journal, { sort, limit: 500, ...(after !== undefined && { after }) }),
    );
    const rows = pages.flatMap(({ chains }) => chains);
    expect(new Set(rows.map(({ chainId }) => chainId)).size).toBe(12_000);
    expect(rows).toHaveLength(12_000);
    const values = rows.map(({ beganAtMs, costNanos, calls }) => ({ newest: beganAtMs, cost: costNanos, calls })[sort]);
    expect(values).toEqual(values.toSorted((one, other) => other - one));
    expect(pages[0]).toMatchObject({ total: 12_000, complete: true, coversSinceMs: startMs + 1 });
  }
  await close();
});

test("what was recorded since the last look is in the next one, in chains that were known too", async () => {
  const { clock, journal, record, close } = openJournal();
  const index = createChainIndex(journal, clock);
  await record(2_500);
  await record(1, "long");
  const list = async () => {
    clock.nowMs += 2_000;
    return listChains(index, journal, { sort: "newest", limit: 1, q: "long" });
  };
  expect((await list()).chains[0]).toMatchObject({ operations: 1 });
  await record(1_200);
  await record(2, "long");
  expect((await list()).chains[0]).toMatchObject({ operations: 3 });
  expect(await listChains(index, journal, { sort: "newest", limit: 1 })).toMatchObject({ total: 3_701 });
  await close();
});

test("of a long journal the newest are listed, and an older chain is found by its id", async () => {
  const { clock, journal, record, close } = openJournal();
  const old = "0123456789abcdef0123456789abcdef";
  await record(1, old);
  await record(30_500);
  const index = createChainIndex(journal, clock);
  const list = (q?: string) => listChains(index, journal, { sort: "newest", limit: 1, ...(q !== undefined && { q }) });
  const newest = await list();
  expect(newest.complete).toBe(false);
  expect(newest.total).toBeGreaterThanOrEqual(30_000);
  expect((await list(old)).chains).toMatchObject([{ chainId: old }]);
  expect((await list("f".repeat(32))).chains).toEqual([]);
  await close();
});

test.for([
  ["time", { retention: "1h" }, 3_600_000, 3],
  ["number", { maxRecords: 1_000 }, 300_000, 2_000],
] as const)(
  "what the journal has dropped for its %s is listed no more a few minutes later",
  async ([, options, ms, more]) => {
    const { clock, journal, record, close } = openJournal(options);
    const index = createChainIndex(journal, clock);
    const list = (q?: string) =>
      listChains(index, journal, { sort: "newest", limit: 1, ...(q !== undefined && { q }) });
    await record(2, "old");
    expect(await list("old")).toMatchObject({ total: 1, complete: true });
    clock.nowMs += ms;
    await record(more);
    await journal.flush();
    expect(await list("old")).toMatchObject({ total: 0 });
    const { coversSinceMs, total } = await list();
    expect(total).toBeGreaterThan(0);
    expect(coversSinceMs).toBeGreaterThan(startMs + ms);
    await close();
  },
);
