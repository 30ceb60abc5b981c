import type { AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";

/* How often the first in the queue asks again when nothing was given back here: another replica may have. */
const ASK_AGAIN_MS = 100;

interface Waiter {
  wake(): void;
}

/** Calls that wait for room in one budget, in the order they came. */
export interface Queue {
  readonly length: number;
  /**
   * Tries until it succeeds, when it is this call's turn; undefined when the time is up. Rejects with the signal's reason when the
   * call is aborted.
   */
  wait<T>(attempt: () => Promise<T | undefined>, waitMs: number, signal: AbortSignalLike): Promise<T | undefined>;
  /** Something was given back. */
  stir(): void;
}

export function createQueue(clock: Pick<Clock, "monotonic">): Queue {
  const waiters: Waiter[] = [];

  /** Until woken, or this long. */
  function sleep(waiter: { wake(): void }, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.wake(), ms);
      waiter.wake = () => {
        clearTimeout(timer);
        waiter.wake = () => {};
        resolve();
      };
    });
  }

  return {
    get length() {
      return waiters.length;
    },
    async wait(attempt, waitMs, signal) {
      const waiter: Waiter = { wake() {} };
      const untilMs = clock.monotonic() + waitMs;
      const abort = () => waiter.wake();
      waiters.push(waiter);
      signal.addEventListener("abort", abort, { once: true });
      try {
        for (;;) {
          signal.throwIfAborted();
          const isFirst = waiters[0] === waiter;
          const got = isFirst ? await attempt() : undefined;
          if (got !== undefined) return got;
          const leftMs = untilMs - clock.monotonic();
          if (leftMs <= 0) return undefined;
          signal.throwIfAborted();
          await sleep(waiter, isFirst ? Math.min(leftMs, ASK_AGAIN_MS) : leftMs);
        }
      } finally {
        signal.removeEventListener("abort", abort);
        waiters.splice(waiters.indexOf(waiter), 1);
        waiters[0]?.wake();
      }
    },
    stir: () => waiters[0]?.wake(),
  };
}
