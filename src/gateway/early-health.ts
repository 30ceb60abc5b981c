import { systemClock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { HttpConfig } from "../http/config.ts";
import { createEdge, type Dispatch, type Edge } from "../http/edge.ts";
import { createHealth, type HealthOptions } from "./health.ts";

export interface EarlyHealthOptions extends Pick<HealthOptions, "doubts" | "metrics"> {
  readonly config: HttpConfig;
  readonly log: Log;
}

/** The health address of a process that has to wait before there can be a gateway: a kubelet would end it if nothing answered there. */
export interface EarlyHealth {
  /** From here on `dispatch` answers, and the edge, which is bound, is the caller's to close. */
  take(dispatch: Dispatch): Edge;
  /** Does nothing once it was taken. */
  close(): Promise<void>;
}

/** Binds it: alive, and not ready. Rejects when it cannot be bound. */
export async function openEarlyHealth({ config, log, doubts, metrics }: EarlyHealthOptions): Promise<EarlyHealth> {
  let taken = false;
  let dispatch = createHealth({
    ready: () => ({ ready: false, reason: "starting" }),
    doubts,
    upstreams: () => [],
    listeners: () => [],
    metrics,
  });
  const edge = createEdge({
    config,
    listener: "health",
    clock: systemClock,
    log,
    dispatch: (incoming) => dispatch(incoming),
  });
  const address = await edge.listen();
  return {
    take(next) {
      taken = true;
      dispatch = next;
      return Object.assign(Object.create(edge) as Edge, { listen: () => Promise.resolve(address) });
    },
    async close() {
      if (!taken) await edge.close();
    },
  };
}
