import { systemClock } from "../../../src/core/clock.ts";
import { openKeptCounters } from "../../../src/budgets/ledger/kept-counters.ts";
import { createLocalLedger } from "../../../src/budgets/ledger/local-ledger.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import { term, testLease } from "../../budgets/ledger/terms.ts";

/* A gateway that keeps its counters to itself, with one call, which dies at the named point: argv is the file, the counter's name and the point. */
const [, , file = "", name = "", point = ""] = process.argv;

function reach(here: string): void {
  if (here === point) process.kill(process.pid, "SIGKILL");
}

let settled = false;
const store = createSqliteStore(
  { kind: "sqlite", file, synchronous: "normal" },
  { clock: systemClock, log: silentLog },
);
const kept = await openKeptCounters({
  store: {
    list: store.list.bind(store),
    async putMany(collection, entries) {
      if (settled) reach("writing");
      await store.putMany(collection, entries);
      reach(settled ? "written" : "taken over");
    },
  },
  tailFile: `${file}-ledger`,
  clock: systemClock,
  log: silentLog,
});
const ledger = createLocalLedger({ clock: systemClock, lease: testLease, kept });

const terms = [term(name, 100, "day"), term(`${name} in all`, 100, "none", "")];
const hold = ledger.open(name, terms);
reach("before reserving");
await ledger.reserve(hold, [60, 60]);
reach("reserved");
await ledger.extend(hold, [30, 30], [80, 80]);
reach("extended");
ledger.renew();
reach("renewed");
settled = true;
ledger.settle(hold, [50, 50]);
reach("settled");
ledger.settle(hold, [50, 50]);
reach("settled twice");
await kept.flush();
reach("emptied");
await ledger.close();
await store.close();
reach("closed");
