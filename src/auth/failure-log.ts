import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";

const WINDOW_MS = 1_000;
const LINES_PER_WINDOW = 5;

/** Writes failed authentications, at most five lines a second: a flood of bad tokens must not become a flood of log. Never holds a credential. */
export function createFailureLog(log: Log, clock: Clock) {
  let windowStart = 0;
  let lines = 0;
  let suppressed = 0;
  return (fields: Readonly<Record<string, unknown>>, message: string): void => {
    const now = clock.monotonic();
    if (now - windowStart >= WINDOW_MS) {
      if (suppressed > 0) log.warn({ suppressed }, "more authentications failed");
      windowStart = now;
      lines = 0;
      suppressed = 0;
    }
    lines += 1;
    if (lines <= LINES_PER_WINDOW) log.warn(fields, message);
    else suppressed += 1;
  };
}

export type FailureLog = ReturnType<typeof createFailureLog>;
