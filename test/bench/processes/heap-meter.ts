/* Loaded before a program that is measured: tells its parent, when asked, what is alive in it. Needs --expose-gc. */
import { setImmediate } from "node:timers/promises";

/** Bytes of objects, and of buffers outside the heap, once everything that nobody holds any more is gone. */
export type LiveBytes = number;

process.on("message", (message) => {
  if (message === "live") void answer();
});
/* Asking must not keep the program alive. */
process.channel?.unref();

async function answer(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send?.((heapUsed + external) satisfies LiveBytes);
}
