/* Records as fast as a busy gateway would and says on standard output what it recorded and when, until it is killed. Argument: the file. */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createJournal } from "../../../src/observability/journal.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import { createTestContext } from "../test-context.ts";

const store = createSqliteStore(
  { kind: "sqlite", file: process.argv[2] as string, synchronous: "normal" },
  { clock: systemClock, log: silentLog },
);
const journal = createJournal(
  { retention: 86_400_000, maxRecords: 1_000_000, onFull: "drop" },
  { store, clock: systemClock, log: silentLog, meter: createMetrics().meter },
);
for (let n = 0; ; n += 1) {
  journal.record(createTestContext({ id: `op-${n}` }), { status: "ok", durationMs: 1 }, "h");
  writeSync(1, `${n} ${Date.now()}\n`);
  if (n % 5 === 0) await sleep(1);
}
