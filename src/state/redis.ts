import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import {
  checkBatch,
  checkCollection,
  checkKey,
  checkPage,
  checkScriptKeys,
  isKey,
  MAX_BATCH,
  toEntryText,
  toIndexPairs,
  toIndexValue,
  toJsonText,
} from "./check-arguments.ts";
import type { RedisStateConfig } from "./config.ts";
import { createRedisChannels } from "./redis-channels.ts";
import type { LuaScript } from "./redis-connection.ts";
import { createRedisConnection, toLuaScript } from "./redis-connection.ts";
import { collectionScripts, publishScript, viewPrelude } from "./redis-scripts.ts";
import type { Page, PageOptions, PutOptions, Store, StoredRecord, StoreScript } from "./store.ts";

const scripts = {
  put: toLuaScript(collectionScripts.put),
  putMany: toLuaScript(collectionScripts.putMany),
  remove: toLuaScript(collectionScripts.remove),
  page: toLuaScript(collectionScripts.page),
  trim: toLuaScript(collectionScripts.trim),
};

const publishLua = toLuaScript(publishScript);

/** Index entries as the scripts keep them. A name has no colon, so no two pairs give one entry. */
const toIndexText = (indexes: PutOptions["indexes"]): string =>
  JSON.stringify(toIndexPairs(indexes).map(([name, value]) => `${name}:${value}`));

/** A whole number of milliseconds, or empty for never. */
const toTtlText = (ttlMs: number | undefined): string => {
  if (ttlMs === undefined) return "";
  // Beyond some 30,000 years the sum with the server's clock would leave the safe integers.
  return String(Math.min(Math.ceil(ttlMs), 1e15));
};

function toRecord<T>(key: string, value: string, version: string, expiry: string | null): StoredRecord<T> {
  return {
    key,
    value: JSON.parse(value) as T,
    version: Number(version),
    expiresAtMs: expiry === null || expiry === "" ? undefined : Number(expiry),
  };
}

/**
 * A store on a Redis server or cluster, shared by all gateways with the same prefix. Resolves also while the server is down:
 * calls fail then until it answers. Rejects with GatewayError("state_unavailable") when it refuses the credentials, or is a cluster that
 * the configuration does not call one.
 */
export async function openRedisStore(config: RedisStateConfig, { log }: { readonly log: Log }): Promise<Store> {
  const { client, open, call, evaluate, close } = createRedisConnection(config, "commands", log);
  const channels = createRedisChannels(config, log);
  const luaOf = new WeakMap<StoreScript, LuaScript>();

  client.on("ready", () => void warnOfEviction());
  await open();
  await checkMode();

  /** A client that knows one node alone would find most of its keys moved. */
  async function checkMode(): Promise<void> {
    if (config.cluster) return;
    /* Down now, or no INFO on this service. */
    const info = await call((each) => each.info("cluster")).catch(() => "");
    if (!/^cluster_enabled:1/m.test(info)) return;
    channels.close();
    close();
    throw new GatewayError(
      "state_unavailable",
      "The Redis in `state` is a node of a cluster. Write `state: {redis: [ADDRESS, …], cluster: true}`.",
    );
  }

  async function warnOfEviction(): Promise<void> {
    try {
      const policy = /^maxmemory_policy:(\S+)/m.exec(await call((each) => each.info("memory")))?.[1];
      if (policy !== undefined && policy !== "noeviction") {
        log.warn(
          { policy },
          "this Redis may evict tokens and budgets when its memory is full; set maxmemory-policy noeviction",
        );
      }
    } catch {
      // Some services do not offer INFO; the advice is then in the documentation alone.
    }
  }

  const baseOf = (collection: string): string => {
    checkCollection(collection);
    return `${config.prefix}{${collection}}:`;
  };

  /** Pages of the script until `limit` + 1 live records are there or the set ends: entries that have expired shorten a page. */
  async function page<T>(base: string, set: string, { limit, after, descending }: PageOptions): Promise<Page<T>> {
    checkPage({ limit });
    const records: StoredRecord<T>[] = [];
    let from = after ?? "";
    do {
      const wanted = limit + 1 - records.length;
      const reply = (await evaluate(
        scripts.page,
        [base + set],
        [base, String(wanted), from, descending === true ? "down" : "up"],
      )) as string[];
      from = reply[0] as string;
      for (let at = 1; at < reply.length; at += 4) {
        records.push(
          toRecord<T>(reply[at] as string, reply[at + 1] as string, reply[at + 2] as string, reply[at + 3] as string),
        );
      }
    } while (from !== "" && records.length <= limit);
    return records.length > limit
      ? { records: records.slice(0, limit), next: records[limit - 1]?.key }
      : { records, next: undefined };
  }

  return {
    durability: {
      survivesRestart: true,
      crashLoss:
        "nothing when a gateway dies; when Redis dies, what its own persistence has not written (appendfsync everysec: up to a second); at a failover, writes the replica had not received",
      sharedAcrossReplicas: true,
    },

    async get<T>(collection: string, key: string) {
      const base = baseOf(collection);
      const [value, version, expiry] = await call((each) =>
        each.hmget(`${base}r:${isKey(key) ? key : ""}`, "v", "n", "e"),
      );
      return value == null || version == null ? undefined : toRecord<T>(key, value, version, expiry ?? null);
    },

    async put(collection, key, value, options = {}) {
      const base = baseOf(collection);
      checkKey(key);
      const { ifVersion, ttlMs, indexes } = options;
      const version = await evaluate(
        scripts.put,
        [`${base}r:${key}`],
        [
          base,
          key,
          toJsonText(value),
          ifVersion === undefined ? "" : String(ifVersion),
          toTtlText(ttlMs),
          toIndexText(indexes),
        ],
      );
      return version === 0 ? undefined : Number(version);
    },

    async putMany(collection, entries) {
      const base = baseOf(collection);
      checkBatch(entries);
      const args = [base];
      for (const entry of entries) {
        checkKey(entry.key);
        args.push(entry.key, toEntryText(entry), toTtlText(entry.ttlMs), toIndexText(entry.indexes));
      }
      if (entries.length > 0) await evaluate(scripts.putMany, [`${base}a`], args);
    },

    async delete(collection, key, ifVersion) {
      const base = baseOf(collection);
      const args = [base, isKey(key) ? key : "", ifVersion === undefined ? "" : String(ifVersion)];
      return (await evaluate(scripts.remove, [`${base}r:${args[1]}`], args)) === 1;
    },

    find: async (collection, index, value, options) =>
      page(baseOf(collection), `i:${index}:${toIndexValue(value)}`, options),

    list: async (collection, options) => page(baseOf(collection), "a", options),

    async trim(collection, keep, atMost = MAX_BATCH) {
      const base = baseOf(collection);
      return Number(
        await evaluate(scripts.trim, [`${base}a`], [base, String(keep), String(Math.min(MAX_BATCH, atMost))]),
      );
    },

    async run(script, keys, args) {
      checkScriptKeys(keys);
      let lua = luaOf.get(script);
      if (lua === undefined) luaOf.set(script, (lua = toLuaScript(viewPrelude + script.lua)));
      const reply = await evaluate(
        lua,
        keys.map((key) => `${config.prefix}s:${key}`),
        args,
      );
      return String(reply);
    },

    async publish(channel, message) {
      const name = `${config.prefix}c:${channel}`;
      // A cluster client sends PUBLISH to any node, and messages would overtake one another; a key ties a channel to one node.
      if (config.cluster) await evaluate(publishLua, [name], [name, message]);
      else await call((each) => each.publish(name, message));
    },

    subscribe: (channel, listener, onGap) => channels.subscribe(channel, listener, onGap),

    async close() {
      channels.close();
      close();
    },
  };
}
