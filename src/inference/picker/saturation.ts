import type { Endpoints } from "./endpoints.ts";

/** Waiting requests, and used share of the KV cache, from which on an endpoint counts as full (utilization-detector). */
const fullQueue = 5;
const fullKvUsage = 0.8;

/** How full one endpoint is; 1 is full, more is over. One whose metrics are missing or stale counts as full. */
export function endpointSaturation(endpoints: Endpoints, slot: number, nowMs: number): number {
  if (!endpoints.fresh(slot, nowMs)) return 1;
  return Math.max(endpoints.queue(slot, nowMs) / fullQueue, endpoints.kvUsage(slot, nowMs) / fullKvUsage);
}

/** How full the usable endpoints of a pool are on average; 1 when there is none. */
export function poolSaturation(endpoints: Endpoints, nowMs: number): number {
  let sum = 0;
  let count = 0;
  for (let slot = 0; slot < endpoints.slots; slot++) {
    if (endpoints.usable[slot] === 0) continue;
    sum += endpointSaturation(endpoints, slot, nowMs);
    count++;
  }
  return count === 0 ? 1 : sum / count;
}

/** Whether a request must be refused (429): it may be shed, and the pool is full. */
export function mustShed(priority: number, saturation: number): boolean {
  return priority < 0 && saturation >= 1;
}
