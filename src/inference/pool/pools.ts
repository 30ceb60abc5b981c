import { randomHex } from "../../core/ids.ts";
import type { Meter } from "../../core/meter.ts";
import { createDeadlines } from "../../http/deadlines.ts";
import { resolveAddresses, type ResolveAddresses } from "../../http/resolve-addresses.ts";
import { PrefixMemory } from "../picker/prefix-memory.ts";
import { Pool, type PoolOptions, type PoolStatus } from "./pool.ts";
import type { PoolConfig } from "./pool-config.ts";
import { createPoolMeters } from "./pool-meters.ts";
import { createScrapePace } from "./scrape-pace.ts";

/** The pools of one configuration, as long as it is in use. */
export interface PoolLease {
  readonly pools: ReadonlyMap<string, Pool>;
  /** Puts the configuration in force. Until then nobody is asked anything, and those that stand are as they were. */
  begin(): void;
  /** What no other configuration has leased is forgotten. */
  release(): void;
}

/** The pools of this process. They outlive a reload: what is known of an endpoint stays known. */
export interface Pools {
  /** Pools of these names; one that stands takes up the new configuration when the lease begins. Throws for one that cannot be honoured, and leases nothing. */
  lease(configs: Readonly<Record<string, PoolConfig>>): PoolLease;
  /** For operators. */
  list(): readonly PoolStatus[];
  /** Takes an endpoint of any pool out, or in again, by its name; false: there is none. */
  drain(endpoint: string, drained: boolean): boolean;
}

export type PoolsOptions = Pick<PoolOptions, "upstream" | "clock" | "log" | "retries"> & {
  readonly meter: Meter;
  /** The system's resolver by default. */
  readonly resolve?: ResolveAddresses;
};

export function createPools({ meter, resolve = resolveAddresses, ...options }: PoolsOptions): Pools {
  const poolOptions = {
    ...options,
    resolve,
    replica: randomHex(16),
    deadlines: createDeadlines(),
    pace: createScrapePace(),
    memory: new PrefixMemory(),
    meters: createPoolMeters(meter),
  };
  const known = new Map<string, { readonly pool: Pool; users: number }>();

  return {
    lease(configs) {
      const entries = Object.entries(configs);
      // Whatever can fail does so before any of them counts.
      const taken = entries.map(([name, config]) => {
        const entry = known.get(name) ?? { pool: new Pool(name, config, poolOptions), users: 0 };
        return { name, entry, begin: entry.pool.prepare(config) };
      });
      for (const { name, entry } of taken) {
        entry.users++;
        known.set(name, entry);
      }
      return {
        pools: new Map(taken.map(({ name, entry }) => [name, entry.pool])),
        begin() {
          for (const { begin } of taken) begin();
        },
        release() {
          for (const { name, entry } of taken) {
            if (--entry.users > 0) continue;
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
