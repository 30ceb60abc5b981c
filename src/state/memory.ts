import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { createChannels, toStoreMessages } from "./channels.ts";
import {
  checkBatch,
  checkCollection,
  checkKey,
  checkPage,
  checkScriptKeys,
  closedError,
  MAX_BATCH,
  toExpiry,
  toIndexPairs,
  toEntryText,
  toIndexValue,
  toJsonText,
} from "./check-arguments.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { Page, PageOptions, PutOptions, ScriptView, Store, StoredRecord } from "./store.ts";

interface Held {
  readonly text: string;
  readonly version: number;
  readonly expiresAtMs: number | undefined;
  readonly indexes: readonly (readonly [string, string])[];
}

interface HeldHash {
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresAtMs: number | undefined;
}

/** Entries looked at for expiry with every write: a whole turn takes a quarter as many writes as there are entries. */
const SWEEP_PER_WRITE = 4;

/** Walks a map round and round, a few entries a call; a Map's own iterator stays valid while the map changes. */
function createSweep<V extends { readonly expiresAtMs: number | undefined }>(
  map: Map<string, V>,
  remove: (key: string) => void,
) {
  let entries = map.entries();
  return (nowMs: number): void => {
    for (let count = 0; count < SWEEP_PER_WRITE; count += 1) {
      const next = entries.next();
      if (next.done === true) {
        entries = map.entries();
        return;
      }
      const [key, { expiresAtMs }] = next.value;
      if (expiresAtMs !== undefined && expiresAtMs <= nowMs) remove(key);
    }
  };
}

function createCollection() {
  const records = new Map<string, Held>();
  const keys = new SortedKeys();
  const indexes = new Map<string, SortedKeys>();
  // A NUL cannot stand in an index name, so no two pairs share a path.
  const pathOf = (name: string, value: string) => `${name}\0${value}`;

  function unindex(key: string, pairs: Held["indexes"]): void {
    for (const [name, value] of pairs) {
      const path = pathOf(name, value);
      const index = indexes.get(path);
      index?.delete(key);
      if (index?.size === 0) indexes.delete(path);
    }
  }

  function remove(key: string): void {
    const held = records.get(key);
    if (held === undefined) return;
    records.delete(key);
    keys.delete(key);
    unindex(key, held.indexes);
  }

  return {
    records,
    keys,
    remove,
    sweep: createSweep(records, remove),
    indexed: (name: string, value: string) => indexes.get(pathOf(name, value)),
    set(key: string, held: Held): void {
      unindex(key, records.get(key)?.indexes ?? []);
      records.set(key, held);
      keys.add(key);
      for (const [name, value] of held.indexes) {
        const path = pathOf(name, value);
        const index = indexes.get(path) ?? new SortedKeys();
        indexes.set(path, index);
        index.add(key);
      }
    },
  };
}

/** A store that forgets everything when the process ends: for tests and for trying things out. */
export function createMemoryStore({ clock, log }: { readonly clock: Clock; readonly log: Log }): Store {
  const collections = new Map<string, ReturnType<typeof createCollection>>();
  const hashes = new Map<string, HeldHash>();
  const sweepHashes = createSweep(hashes, (key) => hashes.delete(key));
  const channels = createChannels(log);
  let closed = false;

  function open(collection: string) {
    if (closed) throw closedError();
    checkCollection(collection);
    let found = collections.get(collection);
    if (found === undefined) collections.set(collection, (found = createCollection()));
    return found;
  }

  const isLive = (entry: { readonly expiresAtMs: number | undefined } | undefined, nowMs: number): boolean =>
    entry !== undefined && (entry.expiresAtMs === undefined || entry.expiresAtMs > nowMs);

  const toRecord = <T>(key: string, held: Held): StoredRecord<T> => ({
    key,
    value: JSON.parse(held.text) as T,
    version: held.version,
    expiresAtMs: held.expiresAtMs,
  });

  function toHeld(text: string, options: PutOptions, nowMs: number): Omit<Held, "version"> {
    return {
      text,
      expiresAtMs: toExpiry(nowMs, options.ttlMs),
      indexes: toIndexPairs(options.indexes),
    };
  }

  function page<T>(records: Map<string, Held>, keys: SortedKeys | undefined, options: PageOptions): Page<T> {
    checkPage(options);
    const nowMs = clock.now();
    const found = keys?.page(options.after, options.descending ?? false, options.limit, (key) =>
      isLive(records.get(key), nowMs),
    );
    if (found === undefined) return { records: [], next: undefined };
    return {
      records: found.keys.map((key) => toRecord<T>(key, records.get(key) as Held)),
      next: found.more ? found.keys.at(-1) : undefined,
    };
  }

  return {
    durability: {
      survivesRestart: false,
      crashLoss: "everything: the memory store ends with its process",
      sharedAcrossReplicas: false,
    },

    async get<T>(collection: string, key: string) {
      const held = open(collection).records.get(key);
      return held !== undefined && isLive(held, clock.now()) ? toRecord<T>(key, held) : undefined;
    },

    async put(collection, key, value, options = {}) {
      const { records, set, sweep } = open(collection);
      checkKey(key);
      const nowMs = clock.now();
      const former = records.get(key);
      const version = former !== undefined && isLive(former, nowMs) ? former.version : 0;
      if (options.ifVersion !== undefined && options.ifVersion !== version) return undefined;
      set(key, { ...toHeld(toJsonText(value), options, nowMs), version: version + 1 });
      sweep(nowMs);
      return version + 1;
    },

    async putMany(collection, entries) {
      const { records, set, sweep } = open(collection);
      checkBatch(entries);
      const nowMs = clock.now();
      // Everything that can throw comes before the first change.
      const prepared = entries.map((entry) => {
        checkKey(entry.key);
        return { key: entry.key, held: toHeld(toEntryText(entry), entry, nowMs) };
      });
      for (const { key, held } of prepared) {
        const former = records.get(key);
        const version = former !== undefined && isLive(former, nowMs) ? former.version : 0;
        set(key, { ...held, version: version + 1 });
        sweep(nowMs);
      }
    },

    async delete(collection, key, ifVersion) {
      const { records, remove } = open(collection);
      const held = records.get(key);
      if (held === undefined || !isLive(held, clock.now())) return false;
      if (ifVersion !== undefined && ifVersion !== held.version) return false;
      remove(key);
      return true;
    },

    async find<T>(collection: string, index: string, value: string, options: PageOptions) {
      const { records, indexed } = open(collection);
      return page<T>(records, indexed(index, toIndexValue(value)), options);
    },

    async list<T>(collection: string, options: PageOptions) {
      const { records, keys } = open(collection);
      return page<T>(records, keys, options);
    },

    async trim(collection, keep, atMost = MAX_BATCH) {
      const { keys, remove } = open(collection);
      const surplus = keys.lowest(Math.min(MAX_BATCH, atMost, Math.max(0, keys.size - keep)));
      for (const key of surplus) remove(key);
      return surplus.length;
    },

    async run(script, keys, args) {
      if (closed) throw closedError();
      checkScriptKeys(keys);
      const nowMs = clock.now();
      // Changes are staged, so that a script that throws leaves nothing behind.
      const staged = new Map<string, HeldHash | undefined>();
      const view: ScriptView = {
        nowMs,
        get(key) {
          const hash = staged.has(key) ? staged.get(key) : hashes.get(key);
          return hash !== undefined && isLive(hash, nowMs) ? { ...hash.fields } : undefined;
        },
        set: (key, fields, ttlMs) =>
          void staged.set(key, { fields: { ...fields }, expiresAtMs: toExpiry(nowMs, ttlMs) }),
        delete: (key) => void staged.set(key, undefined),
      };
      const result = script.run(view, keys, args);
      for (const [key, hash] of staged) {
        if (hash === undefined) hashes.delete(key);
        else hashes.set(key, hash);
      }
      sweepHashes(nowMs);
      return result;
    },

    ...toStoreMessages(channels, () => closed),

    async close() {
      closed = true;
      collections.clear();
      hashes.clear();
    },
  };
}
