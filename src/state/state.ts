import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { StateConfig } from "./config.ts";
import { createMemoryStore } from "./memory.ts";
import { openRedisStore } from "./redis.ts";
import { createSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

export interface StateDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens the configured store. Rejects with GatewayError("state_unavailable") when what is configured can never work. */
export async function openStore(config: StateConfig, deps: StateDeps): Promise<Store> {
  switch (config.kind) {
    case "memory":
      return createMemoryStore(deps);
    case "sqlite":
      return createSqliteStore(config, deps);
    case "redis":
      return openRedisStore(config, deps);
  }
}
