import { deriveTokenKey } from "./token.ts";

/** Keys are cheap to derive again; this only keeps the tenants at work at hand. */
const KEPT_KEYS = 1_000;

/** Gives each tenant's key. */
export function createTokenKeys(secret: () => Promise<Buffer>): (tenant: string) => Promise<Buffer> {
  const keys = new Map<string, Buffer>();
  return async (tenant) => {
    const known = keys.get(tenant);
    if (known !== undefined) return known;
    const key = deriveTokenKey(await secret(), tenant);
    if (keys.size >= KEPT_KEYS) keys.clear();
    keys.set(tenant, key);
    return key;
  };
}
