import { createHash } from "node:crypto";
import type { Partition } from "./answer-cache.ts";

/** What else two calls must agree in for one's answer to be the other's. */
export interface CallIdentity {
  /** The caller's wire format and what is asked, such as `openai chat.completions`. */
  readonly method: string;
  readonly stream: boolean;
  /** The request's body as it was parsed, with what guards and steps put into it. */
  readonly body: unknown;
}

/* Members that say who asks or how the answer is accounted for, and nothing of what it is. */
const aside: ReadonlySet<string> = new Set(["user", "metadata", "safety_identifier", "prompt_cache_key", "service_tier"]);

/**
 * The key of an exact match: SHA-256 over the partition and the whole call, members in one order whatever theirs was. A collision
 * would be somebody else's answer, so nothing shorter will do.
 */
export function toCacheKey({ tenant, principal, model, policyHash }: Partition, call: CallIdentity): string {
  const hash = createHash("sha256");
  /* As JSON, so that no two lists of names read the same when they are joined. */
  hash.update(JSON.stringify([tenant, principal ?? null, model, policyHash, call.method, call.stream]));
  writeCanonical(call.body, (text) => hash.update(text), aside);
  return hash.digest("base64url");
}

/** JSON with the members of every object sorted by name; `without`: members of the outermost that are left out. */
export function writeCanonical(value: unknown, write: (text: string) => void, without?: ReadonlySet<string>): void {
  if (Array.isArray(value)) {
    write("[");
    for (const each of value as readonly unknown[]) {
      writeCanonical(each, write);
      write(",");
    }
    return write("]");
  }
  if (typeof value !== "object" || value === null) return write(JSON.stringify(value) ?? "null");
  const fields = value as Readonly<Record<string, unknown>>;
  write("{");
  for (const name of Object.keys(fields).toSorted()) {
    if (without?.has(name) === true || fields[name] === undefined) continue;
    write(`${JSON.stringify(name)}:`);
    writeCanonical(fields[name], write);
    write(",");
  }
  write("}");
}
