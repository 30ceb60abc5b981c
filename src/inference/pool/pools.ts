import { randomHex } from "../../core/ids.ts";
import { Pool } from "./pool.ts";
import type { PoolConfig } from "./pool-config.ts";

/** The pools of one configuration, as long as it is in use. */
export interface PoolLease {
  readonly pools: ReadonlyMap<string, Pool>;
  /** What no other configuration has leased is forgotten. */
  release(): void;
}

/** The pools of this process. They outlive a reload: what is known of an endpoint stays known. */
export interface Pools {
  /** Pools of these names as they are configured now; one that stands takes up the new configuration. */
  lease(configs: Readonly<Record<string, PoolConfig>>): PoolLease;
}

export function createPools(): Pools {
  const replica = randomHex(16);
  const known = new Map<string, { readonly pool: Pool; users: number }>();

  function use(name: string, config: PoolConfig): Pool {
    const standing = known.get(name);
    if (standing === undefined) {
      const pool = new Pool(name, config, { replica });
      known.set(name, { pool, users: 1 });
      return pool;
    }
    standing.users++;
    standing.pool.configure(config);
    return standing.pool;
  }

  return {
    lease(configs) {
      const names = Object.keys(configs);
      const pools = new Map(names.map((name) => [name, use(name, configs[name]!)]));
      return {
        pools,
        release() {
          for (const name of names) {
            const entry = known.get(name);
            if (entry !== undefined && --entry.users === 0) known.delete(name);
          }
        },
      };
    },
  };
}
