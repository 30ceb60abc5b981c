import { randomHex } from "../../core/ids.ts";
import type { Meter } from "../../core/meter.ts";
import { resolveAddresses, type ResolveAddresses } from "../../http/resolve-addresses.ts";
import { Pool, type PoolOptions, type PoolStatus } from "./pool.ts";
import type { PoolConfig } from "./pool-config.ts";
import { createPoolMeters } from "./pool-meters.ts";

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
  /** For operators. */
  list(): readonly PoolStatus[];
  /** Takes an endpoint of any pool out, or in again, by its name; false: there is none. */
  drain(endpoint: string, drained: boolean): boolean;
}

export type PoolsOptions = Pick<PoolOptions, "upstream" | "clock" | "log"> & {
  readonly meter: Meter;
  /** The system's resolver by default. */
  readonly resolve?: ResolveAddresses;
};

export function createPools({ meter, resolve = resolveAddresses, ...options }: PoolsOptions): Pools {
  const poolOptions = { ...options, resolve, replica: randomHex(16), meters: createPoolMeters(meter) };
  const known = new Map<string, { readonly pool: Pool; users: number }>();

  function use(name: string, config: PoolConfig): Pool {
    const standing = known.get(name);
    if (standing === undefined) {
      const pool = new Pool(name, config, poolOptions);
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
            if (entry === undefined || --entry.users > 0) continue;
            known.delete(name);
            entry.pool.close();
          }
        },
      };
    },
    list: () => [...known.values()].map(({ pool }) => pool.status()),
    drain: (endpoint, drained) => [...known.values()].some(({ pool }) => pool.drain(endpoint, drained)),
  };
}
