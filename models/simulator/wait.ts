import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** Waits, or gives the event loop one turn when there is nothing to wait for; false when the signal aborted first. */
export async function wait(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await (ms > 0 ? sleep(ms, undefined, { signal }) : nextTurn(undefined, { signal }));
    return true;
  } catch {
    return false;
  }
}
