import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createChainIndex } from "../../src/console/chain-index.ts";
import { findOperation } from "../../src/console/find-operation.ts";
import type { Journal } from "../../src/observability/journal.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { startConsole } from "./lone-console.ts";

const record = (at: number) =>
  ({
    id: `r${at}`,
    timeMs: at,
    durationMs: 1,
    chainId: `c${at}`,
    principal: {},
    target: { name: "" },
  }) as JournalRecord;

/** A journal of so many pages of one record each, which answers at once, and how many were read in the longest stretch that others waited. */
function openPages(count: number) {
  let read = 0;
  const journal: Pick<Journal, "query"> = {
    async query() {
      read += 1;
      return { records: [record(read)], next: read < count ? String(read) : undefined };
    },
  };
  async function longestOf(work: Promise<unknown>): Promise<number> {
    let [longest, last, isDone] = [0, 0, false];
    const done = work.finally(() => (isDone = true));
    while (!isDone) {
      await turn();
      longest = Math.max(longest, read - last);
      last = read;
    }
    await done;
    expect(read).toBe(count);
    return longest;
  }
  return { journal, longestOf };
}

test("others get their turn after each page that the first look at the chains reads", async () => {
  const { journal, longestOf } = openPages(20);
  expect(await longestOf(createChainIndex(journal, { now: () => 0 }).look())).toBeLessThanOrEqual(2);
});

test("others get their turn after each page that an operation is looked for in", async () => {
  const { journal, longestOf } = openPages(20);
  expect(await longestOf(findOperation(journal, "nowhere", undefined))).toBeLessThanOrEqual(2);
});

test("operations are looked for one at a time, once for all who ask the same, and so many of one reader wait", async () => {
  const asked = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  let queries = 0;
  let under = 0;
  let most = 0;
  let refusals = 0;
  const query = async () => {
    queries += 1;
    most = Math.max(most, (under += 1));
    asked.resolve();
    await opened.promise;
    under -= 1;
    return { records: [], next: undefined };
  };
  const call = await startConsole({ journal: { query } });
  async function ask(id: string): Promise<number> {
    const { status } = await call("GET", `/api/operations/${id}`);
    if (status === 503 && (refusals += 1) === 12) refused.resolve();
    return status;
  }
  const first = ask("same");
  await asked.promise;
  const same = Array.from({ length: 4 }, () => ask("same"));
  const others = Array.from({ length: 20 }, (_, at) => ask(`other-${at}`));
  await refused.promise;
  opened.resolve();
  expect(await Promise.all([first, ...same])).toEqual([404, 404, 404, 404, 404]);
  const answered = (await Promise.all(others)).filter((status) => status === 404);
  expect({ answered: answered.length, queries, most }).toEqual({ answered: 8, queries: 9, most: 1 });
});
