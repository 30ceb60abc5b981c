import { setBounded } from "../core/bounded-map.ts";
import type { Clock } from "../core/clock.ts";
import type { Meter } from "../core/meter.ts";
import { Breaker, type BreakerState } from "./breaker.ts";

/* As many as anyone configures; what has been asked for longest ago is forgotten first. */
const MAX_UPSTREAMS = 10_000;

const levels: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };

/** An upstream that is not simply well, for people. */
export interface UpstreamState {
  readonly upstream: string;
  readonly state: BreakerState;
  /** Milliseconds until it is asked again; 0: now. */
  readonly waitMs: number;
}

/** The circuit breakers of this process. They outlive a reload: what is down stays down. */
export interface Breakers {
  of(upstream: string): Breaker;
  /** The upstreams that are open, half-open or to be left alone for a while. */
  list(): readonly UpstreamState[];
}

export function createBreakers(clock: Clock, meter: Meter, random: () => number = Math.random): Breakers {
  const known = new Map<string, Breaker>();
  const states = meter.gauge(
    "upstream_breaker_state",
    "Circuit breaker of an upstream: 0 closed, 1 half-open, 2 open",
    ["upstream"],
  );
  return {
    of(upstream) {
      const standing = known.get(upstream);
      if (standing !== undefined) return standing;
      const breaker = new Breaker(clock, random, (state) => states.set([upstream], levels[state]));
      setBounded(known, upstream, breaker, MAX_UPSTREAMS);
      return breaker;
    },
    list: () =>
      [...known]
        .map(([upstream, { state, waitMs }]) => ({ upstream, state, waitMs }))
        .filter(({ state, waitMs }) => state !== "closed" || waitMs > 0),
  };
}
