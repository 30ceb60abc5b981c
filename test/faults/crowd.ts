import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { storeLedger, openTestRedis } from "../budgets/ledger/ledgers.ts";
import { longLease, term } from "../budgets/ledger/terms.ts";
import type { RedisServer } from "../state/redis-server.ts";

const REPLICAS = 3;
const CALLS = 10_000;
const TOKENS = 1_000;

const child = fileURLToPath(new URL("processes/ledger-replica.ts", import.meta.url));

/** 10,000 calls over several processes want the last 1,000 tokens at once. Throws unless exactly so many get one. */
export async function crowd(server: RedisServer): Promise<void> {
  const shares = Array.from({ length: REPLICAS }, (_, at) => Math.floor((CALLS + at) / REPLICAS));
  const replicas = shares.map((count, at) => fork(child, [server.url, `replica ${at}`, String(count)]));
  await Promise.all(replicas.map((replica) => once(replica, "message")));
  const answers = replicas.map((replica) => once(replica, "message"));
  const ends = replicas.map((replica) => once(replica, "exit"));
  for (const replica of replicas) replica.send("go");
  const admitted = (await Promise.all(answers)).map(([count]) => Number(count));
  await Promise.all(ends);
  const store = await openTestRedis(server);
  const { used } = await storeLedger(store, longLease).read([term("crowd", TOKENS, "day")]);
  await store.close();
  const sum = admitted.reduce((one, other) => one + other, 0);
  console.log(
    `crowd: ${sum} of ${CALLS} calls in ${REPLICAS} processes got the last ${TOKENS} tokens (${admitted.join(" + ")})`,
  );
  if (sum !== TOKENS || used[0] !== TOKENS)
    throw new Error(`${sum} calls were admitted, and ${used[0]} tokens are used`);
}
