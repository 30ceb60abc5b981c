import { writeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../../src/core/clock.ts";
import { openKeptCounters } from "../../../src/budgets/ledger/kept-counters.ts";
import { createLocalLedger } from "../../../src/budgets/ledger/local-ledger.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import { term, testLease } from "../../budgets/ledger/terms.ts";

/* A gateway that books 5 of a limit of 10,000,000 again and again, and says so after each; somebody else ends it. argv is the file. */
const [, , file = ""] = process.argv;
const store = createSqliteStore(
  { kind: "sqlite", file, synchronous: "normal" },
  { clock: systemClock, log: silentLog },
);
const kept = await openKeptCounters({ store, tailFile: `${file}-ledger`, clock: systemClock, log: silentLog });
const ledger = createLocalLedger({ clock: systemClock, lease: testLease, kept });
const limit = term("at any moment", 10_000_000, "month");
for (let call = 0; ; call += 1) {
  const hold = ledger.open(`${process.pid} ${call}`, [limit]);
  await ledger.reserve(hold, [7]);
  ledger.settle(hold, [5]);
  writeSync(1, ".");
  if (call % 20 === 0) await turn();
}
