import type { Endpoints } from "./endpoints.ts";

/** Waiting requests, and used share of the KV cache, from which on an endpoint counts as full (utilization-detector). */
const fullQueue = 5;
const fullKvUsage = 0.8;

/** How full one endpoint is; 1 is full, more is over. One whose metrics are missing or stale counts as full. */
export function endpointSaturation(endpoints: Endpoints, slot: number, nowMs: number): number {
  if (!endpoints.fresh(slot, nowMs)) return 1;
  return Math.max(endpoints.queue(slot, nowMs) / fullQueue, endpoints.kvUsage(slot, nowMs) / fullKvUsage);
}

/** Whether a request must be refused (429): it may be shed, and the pool is full. */
export function mustShed(priority: number, saturation: number): boolean {
  return priority < 0 && saturation >= 1;
}
