import { setFlagsFromString } from "node:v8";

/**
 * Sets V8 up for a process whose work is many short requests.
 *
 * Every object starts in the young generation, whatever became of its like before. V8 notes which allocations outlive two
 * scavenges and from then on makes theirs in the old generation. Under the first burst of load that hits the objects of requests, for
 * good: a tenth of what a request allocates then waits for a full collection and keeps its neighbours alive until then. Measured on a
 * model call: 3.3 MB instead of 0.3 MB promoted a scavenge, and a tenth more CPU.
 *
 * Functions are inlined up to three times as far. A request's way is some hundred short functions, and the default is
 * meant for pages that are compiled over and over. Measured on a model call: a sixteenth less CPU, and 8 MB more for code.
 */
export function tuneV8(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
  setFlagsFromString("--max-inlined-bytecode-size=1500");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=3000");
}
