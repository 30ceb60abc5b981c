export interface InFlightLimits {
  readonly operations: number;
  readonly perPrincipal: number;
}

/** Operations under way in this process, counted in all and by principal. */
export interface InFlight {
  /** Undefined when counted; otherwise why not, safe to show. */
  take(principalId: string, limits: InFlightLimits): string | undefined;
  /** Gives back what `take` counted: once for each, by whoever took it. */
  release(principalId: string): void;
  readonly count: number;
}

export function createInFlight(): InFlight {
  const byPrincipal = new Map<string, number>();
  let count = 0;
  return {
    take(principalId, limits) {
      if (count >= limits.operations) return "The gateway is at its limit of concurrent operations; try again shortly.";
      const held = byPrincipal.get(principalId) ?? 0;
      if (held >= limits.perPrincipal)
        return `You have ${held} operations under way, which is the limit; wait for one to finish.`;
      count++;
      byPrincipal.set(principalId, held + 1);
      return undefined;
    },
    release(principalId) {
      count--;
      const held = byPrincipal.get(principalId) ?? 1;
      if (held > 1) byPrincipal.set(principalId, held - 1);
      else byPrincipal.delete(principalId);
    },
    get count() {
      return count;
    },
  };
}
