import { createOpenSet, type Placed } from "../core/open-set.ts";

/** Something that must be done in time. */
export interface Deadline extends Placed {
  /** Kept by the deadlines. */
  dueTick: number;
  /** The time is over. Must not throw. */
  expire(): void;
}

/** Long timeouts that hardly ever pass, for every request one or two. They pass up to 200 ms late, never early. */
export interface Deadlines {
  set(deadline: Deadline, delayMs: number): void;
  /** Does nothing for one that is not set. */
  clear(deadline: Deadline): void;
}

/** How often it is looked for what is due. */
export const tickMs = 100;

/** One interval for all, and none while nothing waits: a timer of Node's own for each costs a microsecond and a few objects. */
export function createDeadlines(): Deadlines {
  const waiting = createOpenSet<Deadline>();
  let tick = 0;
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    tick++;
    for (const deadline of waiting.all()) {
      // One that has expired may have cleared another.
      if (deadline.place < 0 || deadline.dueTick > tick) continue;
      waiting.delete(deadline);
      deadline.expire();
    }
    if (waiting.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    set(deadline, delayMs) {
      // The present tick may be almost over.
      deadline.dueTick = tick + Math.ceil(delayMs / tickMs) + 1;
      waiting.add(deadline);
      timer ??= setInterval(sweep, tickMs).unref();
    },
    clear: waiting.delete,
  };
}
