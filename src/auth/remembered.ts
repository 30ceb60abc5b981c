import { setBounded } from "../core/bounded-map.ts";
import type { Clock } from "../core/clock.ts";
import type { ShownCredential } from "./credential.ts";
import type { Verdict } from "./token-verifier.ts";

/** How long a good credential is trusted without asking again: revocation takes effect within this. */
export const REMEMBER_MS = 60_000;
const REMEMBER_BAD_MS = 10_000;
const MAX_GOOD = 10_000;
const MAX_BAD = 1_000;
const MAX_PENDING = 1_000;

interface Entry {
  readonly verdict: Verdict;
  readonly untilMs: number;
}

/**
 * Verdicts by the SHA-256 of the whole credential: a prefix or a truncated hash as the key has let one token pass for another
 * (CVE-2026-35030, CVE-2026-35039). Bounded; the oldest goes first.
 */
export function createRemembered(clock: Clock) {
  const good = new Map<string, Entry>();
  // Apart from the good ones: a flood of bad tokens must not push them out.
  const bad = new Map<string, Entry>();
  const pending = new Map<string, Promise<Verdict>>();
  let generation = 0;

  function put(key: string, verdict: Verdict): void {
    const now = clock.now();
    const [entries, limit] = verdict.ok ? [good, MAX_GOOD] : [bad, MAX_BAD];
    good.delete(key);
    bad.delete(key);
    const untilMs = verdict.ok ? Math.min(now + REMEMBER_MS, verdict.expiresAtMs) : now + REMEMBER_BAD_MS;
    setBounded(entries, key, { verdict, untilMs }, limit);
  }

  return {
    /** The remembered verdict, or the outcome of `check`, asked once for all who wait for it. A check that rejects is not remembered. */
    get(
      { value, digest: key }: ShownCredential,
      check: (credential: string) => Promise<Verdict>,
    ): Verdict | Promise<Verdict> {
      const entry = good.get(key) ?? bad.get(key);
      if (entry !== undefined && clock.now() < entry.untilMs) return entry.verdict;
      const waiting = pending.get(key);
      if (waiting !== undefined) return waiting;
      const before = generation;
      const running = check(value)
        .then((verdict) => {
          // What was revoked while it was being checked may have been read before the revocation.
          if (before === generation) put(key, verdict);
          return verdict;
        })
        .finally(() => pending.delete(key));
      if (pending.size < MAX_PENDING) pending.set(key, running);
      return running;
    },
    /** Drops every good verdict: what was revoked meanwhile is not known. */
    forgetAll(): void {
      generation += 1;
      good.clear();
    },
    /** Drops verdicts on whatever was made under a revoked id. */
    forget(id: string): void {
      generation += 1;
      const at = id.indexOf(":");
      const [kind, name] = [id.slice(0, at), id.slice(at + 1)];
      for (const [key, { verdict }] of good) {
        if (!verdict.ok) continue;
        const { credentialId, client, claims, credential } = verdict.principal;
        const hit =
          kind === "client"
            ? client === name
            : kind === "grant"
              ? claims["gid"] === name
              : kind === "key"
                ? credential === "key" && credentialId === name
                : credentialId === name || claims["gid"] === name;
        if (hit) good.delete(key);
      }
    },
  };
}

export type Remembered = ReturnType<typeof createRemembered>;
