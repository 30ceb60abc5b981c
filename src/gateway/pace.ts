import { setBounded } from "../core/bounded-map.ts";
import type { Clock } from "../core/clock.ts";
import type { Rate } from "../core/units.ts";

/* About a megabyte; who has not called for longest is forgotten first. */
const maxPrincipals = 10_000;

/** How fast each principal calls, in this process alone. */
export interface Pace {
  /** 0 when this call fits the rate and was counted; otherwise the milliseconds after which one will. */
  take(principalId: string, rate: Rate): number;
  /** Principals remembered. */
  readonly size: number;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a principal, the time at which it will have used up what it was
 * allowed. A burst may take a whole period's amount at once.
 */
export function createPace(clock: Clock): Pace {
  const usedUntilMs = new Map<string, number>();
  return {
    take(principalId, { amount, perMs }) {
      const now = clock.monotonic();
      const until = Math.max(usedUntilMs.get(principalId) ?? now, now) + perMs / amount;
      if (until - now > perMs) return until - now - perMs;
      setBounded(usedUntilMs, principalId, until, maxPrincipals);
      return 0;
    },
    get size() {
      return usedUntilMs.size;
    },
  };
}
