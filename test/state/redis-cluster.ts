import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { silentLog } from "../../src/core/log.ts";
import { openRedisStore } from "../../src/state/redis.ts";
import type { Store } from "../../src/state/store.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

const SLOTS = 16_384;

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  open(): Promise<Store>;
  /** Hands a slot with all its keys to another node, as a resharding does. The old node answers MOVED from then on. */
  move(slot: number): Promise<void>;
  stop(): Promise<void>;
}

/** Primaries that share the slots: a script over keys of two slots fails, and many calls are redirected. */
export async function startRedisCluster(size: number): Promise<RedisCluster> {
  const nodes = await Promise.all(
    Array.from({ length: size }, () => startRedis("--cluster-enabled", "yes", "--cluster-node-timeout", "5000")),
  );
  const clients = nodes.map((node) => new Redis(node.url));
  const [first] = clients as [Redis];
  for (const [at, client] of clients.entries()) {
    const [from, to] = [Math.ceil((at * SLOTS) / size), Math.ceil(((at + 1) * SLOTS) / size) - 1];
    await client.call("CLUSTER", "ADDSLOTSRANGE", from, to);
    // Nodes that take the same epoch would otherwise have to settle it first.
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", at + 1);
  }
  for (const { port } of nodes.slice(1)) await first.call("CLUSTER", "MEET", "127.0.0.1", port);
  const whole = new RegExp(`cluster_state:ok[^]*cluster_known_nodes:${size}`);
  for (const client of clients) while (!whole.test(String(await client.call("CLUSTER", "INFO")))) await sleep(50);

  async function move(slot: number): Promise<void> {
    const held = await Promise.all(clients.map((client) => client.call("CLUSTER", "GETKEYSINSLOT", slot, 1_000)));
    const from = Math.max(
      0,
      (held as string[][]).findIndex((keys) => keys.length > 0),
    );
    const to = (from + 1) % size;
    const [source, goal] = [clients[from], clients[to]] as [Redis, Redis];
    const ids = await Promise.all([source, goal].map(async (client) => String(await client.call("CLUSTER", "MYID"))));
    await goal.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0]!);
    await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1]!);
    const keys = held[from] as string[];
    if (keys.length > 0) await source.call("MIGRATE", "127.0.0.1", nodes[to]!.port, "", 0, 5_000, "KEYS", ...keys);
    for (const client of [goal, source]) await client.call("CLUSTER", "SETSLOT", slot, "NODE", ids[1]!);
  }

  return {
    nodes,
    open: () =>
      openRedisStore(
        {
          kind: "redis",
          urls: nodes.map((node) => node.url),
          cluster: true,
          prefix: "sallyport:",
          timeoutMs: 10_000,
          ca: undefined,
        },
        { log: silentLog },
      ),
    move,
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
