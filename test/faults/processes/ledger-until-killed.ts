import { silentLog } from "../../../src/core/log.ts";
import { openRedisStore } from "../../../src/state/redis.ts";
import { storeLedger } from "../../budgets/ledger/ledgers.ts";
import { term } from "../../budgets/ledger/terms.ts";

/* One replica with one call, which dies at the named point: argv is the Redis, the counter's name and the point. */
const [, , url = "", name = "", point = ""] = process.argv;

const store = await openRedisStore(
  { kind: "redis", urls: [url], cluster: false, prefix: "sallyport:", timeoutMs: 10_000, ca: undefined },
  { log: silentLog },
);
const ledger = storeLedger(store);

function reach(here: string): void {
  if (here === point) process.kill(process.pid, "SIGKILL");
}

const terms = [term(name, 100, "day"), term(`${name} in all`, 100, "none", "")];
const hold = ledger.open(name, terms);
reach("before reserving");
const reserving = ledger.reserve(hold, [60, 60]);
reach("reserving");
await reserving;
reach("reserved");
const extending = ledger.extend(hold, [30, 30], [80, 80]);
reach("extending");
await extending;
reach("extended");
const renewing = ledger.renew();
reach("renewing");
await renewing;
reach("renewed");
ledger.settle(hold, [50, 50]);
reach("settling");
await ledger.read(terms);
reach("settled");
ledger.settle(hold, [50, 50]);
await ledger.close();
reach("closed");
