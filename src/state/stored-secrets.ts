import { randomBytes } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { Store } from "./store.ts";

const COLLECTION = "secrets";

/** A secret of the gateway's own for each purpose: made when first asked for, kept in the store, the same on every replica. */
export function createStoredSecrets(store: Store): (purpose: string) => Promise<Buffer> {
  const known = new Map<string, Promise<Buffer>>();
  return (purpose) => {
    const found = known.get(purpose) ?? load(store, purpose);
    known.set(purpose, found);
    // A store that was away for a moment is asked again.
    found.catch(() => known.delete(purpose));
    return found;
  };
}

async function load(store: Store, purpose: string): Promise<Buffer> {
  const read = async () => (await store.get<{ readonly secret: string }>(COLLECTION, purpose))?.value.secret;
  let secret = await read();
  if (secret === undefined) {
    // Two replicas may start at once: the first to write wins and both read what it wrote.
    await store.put(COLLECTION, purpose, { secret: randomBytes(32).toString("base64url") }, { ifVersion: 0 });
    secret = await read();
  }
  if (secret === undefined)
    throw new GatewayError("state_unavailable", "A key of the gateway is missing from the store.");
  return Buffer.from(secret, "base64url");
}
