import { parentPort, workerData } from "node:worker_threads";
import { growthOf } from "./pattern.ts";

const { patterns, timeoutMs } = workerData as { readonly patterns: readonly string[]; readonly timeoutMs: number };

/* Once before the clock is started: the checker takes a while to load. */
growthOf("^a$", "", timeoutMs);
const found = new Map<string, string | undefined>();
const endMs = performance.now() + timeoutMs;
for (const pattern of patterns) {
  const leftMs = endMs - performance.now();
  if (leftMs <= 0) break;
  const growth = growthOf(pattern, "", Math.ceil(leftMs));
  if (performance.now() < endMs || growth === undefined) found.set(pattern, growth);
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(found);
