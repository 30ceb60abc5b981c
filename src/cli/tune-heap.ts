import { setFlagsFromString } from "node:v8";

/**
 * Has every object start in the young generation, whatever became of its like before. V8 notes which allocations outlive two
 * scavenges and from then on makes theirs in the old generation. Under the first burst of load that hits the objects of requests, for
 * good: a tenth of what a request allocates then waits for a full collection and keeps its neighbours alive until then. Measured on a
 * model call: 3.3 MB instead of 0.3 MB promoted a scavenge, and a tenth more CPU.
 */
export function tuneHeap(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
