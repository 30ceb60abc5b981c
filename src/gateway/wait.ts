import type { AbortSignalLike } from "../core/abort.ts";

/** Waits, at most until the signal aborts; then rejects with its reason. */
export function wait(ms: number, signal: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason of an abort is a GatewayError
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
