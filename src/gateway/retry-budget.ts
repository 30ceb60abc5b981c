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

interface Account {
  /** Callers' calls, and attempts after the first that were in vain. */
  readonly window: SlidingWindow;
  underWay: number;
}

/**
 * Attempts after the first that are in vain add at most a fifth to the calls of the last ten seconds, for each model that callers ask
 * for, or one a second where there are few: upstreams that all fail under load are not brought down for good by those who try again
 * (Linkerd's and Finagle's rule). The larger of the two counts, not their sum, so that a fifth is the most a storm ever sees.
 *
 * One that is answered is given back, unlike there: it went to another upstream, and the caller was served. Until it ends it counts.
 */
export function createRetryBudget(clock: Clock): RetryBudget {
  const accounts = new Map<string, Account>();
  const accountOf = (model: string): Account => {
    let account = accounts.get(model);
    if (account !== undefined) return account;
    account = { window: new SlidingWindow(WINDOW_MS), underWay: 0 };
    if (accounts.size >= MAX_MODELS) {
      const [oldest] = accounts.keys();
      if (oldest !== undefined) accounts.delete(oldest);
    }
    accounts.set(model, account);
    return account;
  };
  return {
    called: (model) => accountOf(model).window.add(clock.monotonic(), 1, 0),
    take(model) {
      const account = accountOf(model);
      const { first: calls, second: inVain } = account.window.at(clock.monotonic());
      if (inVain + account.underWay + 1 > Math.max(LEAST_PER_WINDOW, SHARE * calls)) return undefined;
      account.underWay++;
      let ended = false;
      return (failed) => {
        if (ended) return;
        ended = true;
        account.underWay--;
        if (failed) account.window.add(clock.monotonic(), 0, 1);
      };
    },
  };
}
