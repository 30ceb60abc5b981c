import type { Clock } from "../core/clock.ts";
import { SlidingWindow } from "./sliding-window.ts";

const WINDOW_MS = 10_000;
const SHARE = 0.2;
const LEAST_PER_WINDOW = 10;
/* As many as anyone configures; beyond, who was asked for longest ago is forgotten. */
const MAX_MODELS = 10_000;

/** How many calls the gateway may add to those of its callers. */
export interface RetryBudget {
  /** A caller's own call of this model. */
  called(model: string): void;
  /** Whether one more attempt fits. */
  fits(model: string): boolean;
  /** An attempt that `fits` has allowed. */
  retried(model: string): void;
}

/**
 * Attempts after the first add at most a fifth to the calls of the last ten seconds, for each model that callers ask for, or one a
 * second where there are few: an upstream that fails under load is not brought down for good by those who try again
 * (Linkerd's and Finagle's rule). The larger of the two counts, not their sum, so that a fifth is the most a storm ever sees.
 */
export function createRetryBudget(clock: Clock): RetryBudget {
  const windows = new Map<string, SlidingWindow>();
  const windowOf = (model: string): SlidingWindow => {
    let window = windows.get(model);
    if (window !== undefined) return window;
    window = new SlidingWindow(WINDOW_MS);
    if (windows.size >= MAX_MODELS) {
      const [oldest] = windows.keys();
      if (oldest !== undefined) windows.delete(oldest);
    }
    windows.set(model, window);
    return window;
  };
  return {
    called: (model) => windowOf(model).add(clock.monotonic(), 1, 0),
    fits(model) {
      const { first: calls, second: retries } = windowOf(model).at(clock.monotonic());
      return retries + 1 <= Math.max(LEAST_PER_WINDOW, SHARE * calls);
    },
    retried: (model) => windowOf(model).add(clock.monotonic(), 0, 1),
  };
}
