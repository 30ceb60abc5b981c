import { setBounded } from "../core/bounded-map.ts";
import type { Clock } from "../core/clock.ts";
import { SlidingWindow } from "./sliding-window.ts";

const WINDOW_MS = 10_000;
const SHARE = 0.2;
const LEAST_PER_WINDOW = 10;
/* As many as anyone configures; beyond, who was asked for longest ago is forgotten. */
const MAX_MODELS = 10_000;

/** How many calls the gateway may add in vain to those of its callers. */
export interface RetryBudget {
  /** A caller's own call of this model. */
  called(model: string): void;
  /** One more attempt, where one fits: what it is to be told of its end, the first time counts. Undefined: none fits. */
  take(model: string): ((inVain: boolean) => void) | undefined;
}

/**
 * Attempts after the first that are in vain add at most a fifth to the calls of the last ten seconds, for each model that callers ask
 * for, or one a second where there are few: upstreams that all fail under load are not brought down for good by those who try again
 * (Linkerd's and Finagle's rule). The larger of the two counts, not their sum, so that a fifth is the most a storm ever sees.
 *
 * One that is answered is given back, unlike there: it went to another upstream, and the caller was served. Until then it counts.
 */
export function createRetryBudget(clock: Clock): RetryBudget {
  /* Callers' calls, and attempts after the first. */
  const windows = new Map<string, SlidingWindow>();
  const windowOf = (model: string): SlidingWindow => {
    let window = windows.get(model);
    if (window !== undefined) return window;
    window = new SlidingWindow(WINDOW_MS);
    setBounded(windows, model, window, MAX_MODELS);
    return window;
  };
  return {
    called: (model) => windowOf(model).add(clock.monotonic(), 1, 0),
    take(model) {
      const window = windowOf(model);
      const takenAt = clock.monotonic();
      const { first: calls, second: attempts } = window.at(takenAt);
      if (attempts + 1 > Math.max(LEAST_PER_WINDOW, SHARE * calls)) return undefined;
      window.add(takenAt, 0, 1);
      let told = false;
      return (inVain) => {
        if (!told && !inVain) window.takeBack(takenAt, clock.monotonic(), 0, 1);
        told = true;
      };
    },
  };
}
