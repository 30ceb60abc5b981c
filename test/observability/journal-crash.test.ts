import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createJournal, type Journal, type JournalQuery } from "../../src/observability/journal.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import { createTestContext } from "./test-context.ts";

async function readAll(journal: Journal, query: JournalQuery): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await journal.query({ ...query, ...(after !== undefined && { after }) });
    ids.push(...page.records.map((record) => record.operationId));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

const recorder = join(import.meta.dirname, "processes", "journal-until-killed.ts");

describe("a journal whose process dies", () => {
  test("loses at most the last moments: a run of the newest records, and none before them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-journal-"));
    const file = join(folder, "state.db");
    const child = spawn(process.execPath, [recorder, file], { stdio: ["ignore", "pipe", "inherit"] });
    const recorded: { n: number; atMs: number }[] = [];
    let rest = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const [n, atMs] = line.split(" ").map(Number) as [number, number];
          recorded.push({ n, atMs });
        }
        if (recorded.length > 3_000) child.kill("SIGKILL");
      });
      child.stdout.on("end", resolve);
    });

    const store = createSqliteStore(
      { kind: "sqlite", file, synchronous: "normal" },
      { clock: systemClock, log: silentLog },
    );
    const metrics = createMetrics();
    const journal = createJournal(
      { retention: 86_400_000, maxRecords: 1_000_000, onFull: "drop" },
      { store, clock: systemClock, log: silentLog, meter: metrics.meter },
    );
    const kept = await readAll(journal, { limit: 1_000 });
    // What is stored is found by its names too.
    const chain = createTestContext().exchange.chain.id;
    expect(await readAll(journal, { chain, limit: 1_000 })).toEqual(kept);

    // What is there is whole from the first record on.
    expect(kept.reverse()).toEqual(Array.from({ length: kept.length }, (_, n) => `op-${n}`));
    // What is missing was recorded within the window of 100 ms; the rest is for writing the batch on a machine that is busy.
    const lastMs = recorded.at(-1)?.atMs ?? 0;
    const lost = recorded.filter(({ n }) => n >= kept.length);
    expect(lastMs - (lost[0]?.atMs ?? lastMs)).toBeLessThan(500);
    await journal.close();
    await store.close();
    metrics.close();
    rmSync(folder, { recursive: true });
  });
});
