import { createHash } from "node:crypto";

type Entries = Readonly<Record<string, unknown>>;

/**
 * What each model's name stands for: SHA-256 over its entry and every entry that one names, such as those that step in for it, or the
 * pool that serves it. Whatever is changed there, former answers are another model's.
 */
export function createModelIdentities(models: Entries = {}, pools: Entries = {}): ReadonlyMap<string, string> {
  return new Map(Object.keys(models).map((name) => [name, identityOf(name, models, pools)]));
}

function identityOf(name: string, models: Entries, pools: Entries): string {
  /* A set is walked while it grows. */
  const names = new Set([name]);
  for (const each of names) {
    for (const text of textsIn(models[each]))
      if (Object.hasOwn(models, text) || Object.hasOwn(pools, text)) names.add(text);
  }
  const entries = [...names].map((each) => [each, models[each] ?? null, pools[each] ?? null]);
  return createHash("sha256").update(JSON.stringify(entries)).digest("base64url");
}

/** The same for models of a pool that have no entry. */
export const poolIdentity = (name: string, pools: Entries = {}): string =>
  createHash("sha256")
    .update(JSON.stringify(["pool", name, pools[name]]))
    .digest("base64url");

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
