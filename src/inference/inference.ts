import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Operate, ProtocolHandler, Visible } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { InferenceConfig } from "./config.ts";

export interface InferenceOptions {
  readonly config: InferenceConfig;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  /** Silence on a stream after which a comment keeps the connection alive. Default 15 s. */
  readonly keepAliveMs?: number;
}

/** The model relay: `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings`, `/v1/models`. */
export type CreateInference = (options: InferenceOptions) => ProtocolHandler;
