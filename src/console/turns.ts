import { GatewayError } from "../core/errors.ts";

export interface Turns {
  /**
   * Does the work when nothing else is done here and it is its owner's turn. Throws GatewayError("overloaded") for an owner who has enough that waits.
   * Rejects with the signal's reason where it is aborted before.
   */
  take<T>(owner: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export interface TurnsOptions {
  /** So many works of one owner may wait. */
  readonly mostWaiting: number;
  /** What is said to whoever has as many. */
  readonly full: string;
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly start: () => void;
}

/* Of all owners together. */
const MOST_WAITING = 100;

/** One thing at a time: owners take turns, whoever had one last comes last. */
export function createTurns({ mostWaiting, full }: TurnsOptions): Turns {
  const waiting = new Map<string, Waiting[]>();
  let isBusy = false;

  function next(): void {
    isBusy = false;
    for (const [owner, own] of waiting) {
      waiting.delete(owner);
      const first = own.find(({ signal }) => !signal.aborted);
      if (first === undefined) continue;
      const rest = own.slice(own.indexOf(first) + 1);
      if (rest.length > 0) waiting.set(owner, rest);
      isBusy = true;
      return first.start();
    }
  }

  function wait(owner: string, signal: AbortSignal): Promise<void> {
    const own = (waiting.get(owner) ?? []).filter((each) => !each.signal.aborted);
    let all = 0;
    for (const each of waiting.values()) all += each.length;
    if (own.length >= mostWaiting || all >= MOST_WAITING)
      throw new GatewayError("overloaded", full, { headers: { "retry-after": "3" } });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => reject(signal.reason as Error);
    signal.addEventListener("abort", leave, { once: true });
    const start = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    waiting.set(owner, [...own, { signal, start }]);
    return promise;
  }

  return {
    async take(owner, signal, work) {
      signal.throwIfAborted();
      if (isBusy) await wait(owner, signal);
      isBusy = true;
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}
