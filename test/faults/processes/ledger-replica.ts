import { openRedisStore } from "../../../src/state/redis.ts";
import { silentLog } from "../../../src/core/log.ts";
import { storeLedger } from "../../budgets/ledger/ledgers.ts";
import { longLease, term } from "../../budgets/ledger/terms.ts";

/*
 * One replica of a crowd: argv is the Redis, a name and how many calls it gets at once. It says `ready`, waits for a word, and says
 * how many of its calls got a token.
 */
const [, , url = "", name = "", count = ""] = process.argv;

const store = await openRedisStore(
  { kind: "redis", urls: [url], cluster: false, prefix: "sallyport:", timeoutMs: 30_000, ca: undefined },
  { log: silentLog },
);
const ledger = storeLedger(store, longLease);
const last = term("crowd", 1_000, "day");

process.once("message", async () => {
  const standings = await Promise.all(
    Array.from({ length: Number(count) }, async (_, call) =>
      ledger.reserve(ledger.open(`${name} ${call}`, [last]), [1]),
    ),
  );
  process.send?.(standings.filter(({ fits }) => fits).length);
  await ledger.close();
  await store.close();
  process.disconnect();
});
process.send?.("ready");
