import type { Store } from "../state/store.ts";

/** `token:JTI`, `grant:ID`, `client:ID` or `key:ID`. */
export type RevocationId = string;

export interface Revocations {
  /** Refuses everything made under this id from now on; `ttlMs` is how long such a thing could still be valid. */
  revoke(id: RevocationId, ttlMs: number): Promise<void>;
  isRevoked(ids: readonly RevocationId[]): Promise<boolean>;
  /** Tells other replicas (and this one) to forget what they remember of an id. */
  announce(id: RevocationId): Promise<void>;
  close(): Promise<void>;
}

const COLLECTION = "auth-revoked";
const CHANNEL = "auth-revoked";

/**
 * The list of what was revoked before it expired, shared through the store. A replica hears of a revocation by message at once, and
 * remembers nothing from a time in which it could hear none; should a message be lost all the same, it asks the store again before it trusts a token for longer than a minute.
 */
export async function createRevocations(
  store: Store,
  forget: (id: RevocationId) => void,
  forgetAll: () => void,
): Promise<Revocations> {
  const unsubscribe = await store.subscribe(CHANNEL, forget, forgetAll);
  const announce = async (id: RevocationId): Promise<void> => {
    forget(id);
    await store.publish(CHANNEL, id);
  };
  return {
    announce,
    async revoke(id, ttlMs) {
      await store.put(COLLECTION, id, true, { ttlMs: Math.max(1_000, Math.ceil(ttlMs)) });
      await announce(id);
    },
    async isRevoked(ids) {
      const found = await Promise.all(ids.map((id) => store.get(COLLECTION, id)));
      return found.some((record) => record !== undefined);
    },
    close: unsubscribe,
  };
}
