import type { SessionKeep, SessionRecord } from "../console/console.ts";
import type { Store } from "../state/store.ts";

const COLLECTION = "console-sessions";

/** The sessions of the console, in the store. */
export const createSessionKeep = (store: Store): SessionKeep => ({
  read: async (id) => (await store.get<SessionRecord>(COLLECTION, id))?.value,
  write: async (id, record, ttlMs) => void (await store.put(COLLECTION, id, record, { ttlMs })),
  forget: async (id) => void (await store.delete(COLLECTION, id)),
});
