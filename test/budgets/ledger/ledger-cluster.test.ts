import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeLedger } from "../../contract/ledger.contract.ts";
import { type RedisCluster, startRedisCluster } from "../../state/redis-cluster.ts";
import { shared, storeLedger } from "./ledgers.ts";
import { longLease, term } from "./terms.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster(3);
}, 30_000);
afterAll(() => cluster.stop());

describeLedger("a ledger in a Redis Cluster", async () => shared(await Promise.all([cluster.open(), cluster.open()])));

const slotOf = async (key: string): Promise<number> => {
  const client = new Redis(cluster.nodes[0]!.url);
  const slot = Number(await client.call("CLUSTER", "KEYSLOT", key));
  client.disconnect();
  return slot;
};

test("tenants are spread over the nodes, and what one call takes of several tags is right in each", async () => {
  const store = await cluster.open();
  const ledger = storeLedger(store, longLease);
  const all = term("of all", 30, "day", "");
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async (_, tenant) => {
      const own = term("own", 1, "day", `t:spread ${tenant % 40}`);
      return ledger.reserve(ledger.open(`spread ${tenant}`, [own, all]), [1, 1]);
    }),
  );
  expect(outcomes.filter(({ fits }) => fits).length).toBeLessThanOrEqual(30);
  const counts = await Promise.all(
    cluster.nodes.map(async ({ url }) => {
      const client = new Redis(url);
      const keys = await client.keys("sallyport:s:ledger{*}:c:*");
      client.disconnect();
      return keys.length;
    }),
  );
  for (const count of counts) expect(count).toBeGreaterThan(0);
  const owns = Array.from({ length: 40 }, (_, tenant) => term("own", 1, "day", `t:spread ${tenant}`));
  const { used } = await ledger.read([...owns, all]);
  /* Given back where it did not fit in the other. */
  expect(used.at(-1)).toBe(used.slice(0, -1).reduce((sum, each) => sum + each, 0));
  await ledger.close();
  await store.close();
});

test("a slot that moves to another node takes its counters along, and the next call follows it", async () => {
  const store = await cluster.open();
  const ledger = storeLedger(store, longLease);
  const group = "t:moving";
  const limit = term("moving", 10, "day", group);
  const hold = ledger.open("before", [limit]);
  expect((await ledger.reserve(hold, [6])).fits).toBe(true);
  const tag = createHash("sha256").update(group).digest("base64url").slice(0, 22);
  const slot = await slotOf(`sallyport:s:ledger{${tag}}`);
  for (let moves = 1; moves <= 3; moves += 1) {
    await cluster.move(slot);
    expect(await ledger.reserve(ledger.open(`after ${moves}`, [limit]), [1])).toMatchObject({
      fits: true,
      used: [6 + moves],
    });
  }
  expect((await ledger.reserve(ledger.open("too much", [limit]), [2])).fits).toBe(false);
  ledger.settle(hold, [2]);
  await expect.poll(async () => (await ledger.read([limit])).used).toEqual([5]);
  await ledger.close();
  await store.close();
});
