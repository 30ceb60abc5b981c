import type { Dispatch } from "../http/edge.ts";
import type { UpstreamState } from "./breakers.ts";
import type { ListenerState } from "./ports.ts";

/** Something outside of a gateway that is not as it should be. */
export interface Doubt {
  readonly text: string;
  /** No work is to be sent here for as long as it stands. */
  readonly closes: boolean;
}

export interface HealthOptions {
  /** Whether new work may be sent here: false while draining. */
  readonly ready: () => { readonly ready: boolean; readonly reason: string };
  readonly doubts: () => readonly Doubt[];
  /** Upstreams that rest. They do not make a gateway unready: it has others, or another gateway would have none either. */
  readonly upstreams: () => readonly UpstreamState[];
  /** A listener that cannot be bound makes a gateway no less ready: others can be called. */
  readonly listeners: () => readonly ListenerState[];
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/**
 * Liveness, readiness and metrics on an address of their own, for a kubelet and Prometheus. Liveness depends on nothing: a
 * gateway whose store is down is not helped by a restart.
 */
export function createHealth({ ready, doubts, upstreams, listeners, metrics }: HealthOptions): Dispatch {
  return async ({ request, reply }) => {
    const answer = (status: number, body: string, contentType = "text/plain; charset=utf-8") =>
      reply.send(
        status,
        { "content-type": contentType, "cache-control": "no-store" },
        request.method === "HEAD" ? "" : body,
      );
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "GET only\n");
    switch (request.path) {
      case "/livez":
      case "/healthz":
        return answer(200, "ok\n");
      case "/readyz": {
        const state = ready();
        const standing = doubts();
        const closed = standing.some(({ closes }) => closes);
        const resting = upstreams().map(
          (each) => `upstream ${each.upstream}: ${each.state}, asked in ${each.waitMs} ms\n`,
        );
        const unbound = listeners().flatMap(({ name, reason }) =>
          reason === undefined ? [] : [`listener ${name}: ${reason}\n`],
        );
        const reason = state.ready && closed ? "not ready" : state.reason;
        const lines = [...standing.map(({ text }) => `${text}\n`), ...resting, ...unbound];
        return answer(state.ready && !closed ? 200 : 503, `${reason}\n${lines.join("")}`);
      }
      case "/metrics": {
        const { contentType, body } = await metrics();
        return answer(200, body, contentType);
      }
      default:
        return answer(404, "try /livez, /readyz or /metrics\n");
    }
  };
}
