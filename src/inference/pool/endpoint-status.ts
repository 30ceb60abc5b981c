import type { Endpoints } from "../picker/endpoints.ts";
import type { HealthState } from "./health.ts";
import type { Member } from "./member.ts";

/** An endpoint, for operators. */
export interface EndpointStatus {
  readonly name: string;
  readonly url: string;
  readonly state: HealthState | "draining" | "leaving";
  /** The gateway's own calls under way. */
  readonly requests: number;
  /** Calls of everybody that wait there, and that are under way; absent while it tells no metrics. */
  readonly queued?: number;
  readonly load?: number;
  /** Used share of its KV cache. */
  readonly kvUsage?: number;
  /** LoRA adapters that it most likely has loaded, at most 50; absent where there is none. */
  readonly adapters?: readonly string[];
}

const MOST_SHOWN = 50;
const adaptersOf = (names: readonly string[]) => names.length > 0 && { adapters: names.slice(-MOST_SHOWN) };

export function toEndpointStatus(member: Member, endpoints: Endpoints, nowMs: number): EndpointStatus {
  const { name, url, slot, leaving, drained, health } = member;
  return {
    name,
    url,
    state: leaving ? "leaving" : drained ? "draining" : health.state(nowMs),
    requests: endpoints.requests[slot]!,
    ...(endpoints.fresh(slot, nowMs) && {
      queued: endpoints.queue(slot, nowMs),
      load: endpoints.load(slot, nowMs),
      kvUsage: endpoints.kvUsage(slot, nowMs),
    }),
    ...adaptersOf(endpoints.adapters(slot)),
  };
}
