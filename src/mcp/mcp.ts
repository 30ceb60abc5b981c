import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Operate, ProtocolHandler, Visible } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Store } from "../state/store.ts";
import type { McpConfig } from "./config.ts";

export interface McpOptions {
  readonly config: McpConfig;
  /** Where callers reach this gateway; errors and metadata name nothing else. */
  readonly publicUrl: URL;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

export type CreateMcp = (options: McpOptions) => ProtocolHandler;
