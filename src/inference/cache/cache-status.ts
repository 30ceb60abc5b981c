import type { StoredAnswer } from "./answer-cache.ts";

/* `cache-status` as RFC 9211 has it. */

/** The answer was kept before; `semantic`: for the same question in other words. */
export function foundHeaders(
  { storedAtMs, expiresAtMs }: StoredAnswer,
  nowMs: number,
  semantic: boolean,
): Record<string, string> {
  const ttl = Math.max(0, Math.floor((expiresAtMs - nowMs) / 1_000));
  return {
    "cache-status": `sallyport; hit; ttl=${ttl}${semantic ? "; detail=semantic" : ""}`,
    age: String(Math.max(0, Math.floor((nowMs - storedAtMs) / 1_000))),
  };
}

/** The answer was given to an equal call at the same time. */
export const collapsedHeaders: Readonly<Record<string, string>> = {
  "cache-status": "sallyport; fwd=miss; collapsed",
  age: "0",
};

/** Of a stream it is not known before its end whether it will be stored. */
export const missed = (stored: boolean): string => `sallyport; fwd=miss${stored ? "; stored" : ""}`;

/** The cache had no part in it. */
export const bypassed = (why: string): string => `sallyport; fwd=bypass; detail=${why}`;
