export interface InFlightLimits {
  readonly operations: number;
  readonly perPrincipal: number;
}

/** Operations under way in this process, counted in all and by principal. */
export interface InFlight {
  /** Undefined when taken; otherwise why not, safe to show. */
  take(operationId: string, principalId: string, limits: InFlightLimits): string | undefined;
  /** Gives back what was taken under this id; does nothing when nothing was. */
  release(operationId: string): void;
  readonly count: number;
}

export function createInFlight(): InFlight {
  const holders = new Map<string, string>();
  const byPrincipal = new Map<string, number>();
  return {
    take(operationId, principalId, limits) {
      if (holders.size >= limits.operations)
        return "The gateway is at its limit of concurrent operations; try again shortly.";
      const held = byPrincipal.get(principalId) ?? 0;
      if (held >= limits.perPrincipal)
        return `You have ${held} operations under way, which is the limit; wait for one to finish.`;
      holders.set(operationId, principalId);
      byPrincipal.set(principalId, held + 1);
      return undefined;
    },
    release(operationId) {
      const principalId = holders.get(operationId);
      if (principalId === undefined) return;
      holders.delete(operationId);
      const held = byPrincipal.get(principalId) ?? 1;
      if (held > 1) byPrincipal.set(principalId, held - 1);
      else byPrincipal.delete(principalId);
    },
    get count() {
      return holders.size;
    },
  };
}
