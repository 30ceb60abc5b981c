import { createHash } from "node:crypto";
import { setBounded } from "../../core/bounded-map.ts";
import type { Log } from "../../core/log.ts";
import { tenantOf, type TenantScope } from "../../core/tenant.ts";
import type { Store } from "../../state/store.ts";

/** Which model gave an answer that a later request goes on from. */
export interface ModelMemory {
  /** `id`: one that the answer has and the request that goes on from it repeats. Never waits and never throws. */
  keep(place: MemoryPlace, id: string, model: string): void;
  /** The model that gave the answer with one of these ids; undefined where nobody knows. Never rejects. */
  find(place: MemoryPlace, ids: readonly string[]): Promise<string | undefined>;
}

/** Ids of answers mean something only to the caller who was given them, and to the choice that was made. */
export interface MemoryPlace {
  readonly caller: TenantScope;
  readonly virtual: string;
  /**
   * What was asked when the loop began: some servers number calls from the beginning in each conversation (`functions.look:0`). Undefined
   * for what a provider keeps, which outlives a question.
   */
  readonly asked: string | undefined;
}

export interface ModelMemoryOptions {
  readonly store: Store;
  readonly log: Log;
}

const COLLECTION = "routes";
/* A person may have to confirm a call before its result is sent. */
const KEPT_MS = 86_400_000;
/* Two for each call. */
const MOST_KEPT = 40_000;
/* Whoever waits longer is better served by a choice made anew, which is the same in nearly every case. */
const LONGEST_WAIT_MS = 250;

/** What was kept lately is here; the rest is in the store, where other replicas and a gateway that was restarted find it. */
export function createModelMemory({ store, log }: ModelMemoryOptions): ModelMemory {
  const recent = new Map<string, string>();
  const { survivesRestart, sharedAcrossReplicas } = store.durability;
  const stored = survivesRestart || sharedAcrossReplicas;

  async function search(keys: readonly string[]): Promise<string | undefined> {
    const records = await Promise.all(keys.map((key) => store.get<string>(COLLECTION, key)));
    return records.find((record) => typeof record?.value === "string")?.value;
  }

  return {
    keep(place, id, model) {
      const key = toKey(place, id);
      setBounded(recent, toKey({ ...place, asked: undefined }, id), model, MOST_KEPT);
      setBounded(recent, key, model, MOST_KEPT);
      if (!stored) return;
      store.put(COLLECTION, key, model, { ttlMs: KEPT_MS }).catch((error: unknown) => {
        log.debug({ error }, "which model answered could not be stored: another replica may choose anew");
      });
    },

    async find(place, ids) {
      const keys = ids.map((id) => toKey(place, id));
      /* By the id alone where the beginning of the conversation was cut off. */
      const bare = ids.map((id) => toKey({ ...place, asked: undefined }, id));
      const here = (any: readonly string[]) => any.map((key) => recent.get(key)).find((model) => model !== undefined);
      const known = here(keys);
      if (known !== undefined || !stored || keys.length === 0) return known ?? here(bare);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, LONGEST_WAIT_MS, undefined);
      });
      try {
        return (await Promise.race([search(keys), late])) ?? here(bare);
      } catch (error) {
        log.debug({ error }, "which model answered cannot be looked up: the choice is made anew");
        return here(bare);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

const toKey = ({ caller, virtual, asked }: MemoryPlace, id: string): string =>
  createHash("sha256")
    .update(JSON.stringify([tenantOf(caller), caller.principal.id, virtual, id, asked]))
    .digest("base64url");
