import { listedPrice } from "../budgets/prices/prices.ts";
import type { Config } from "../config/schema.ts";
import type { ModelEntry } from "../console/api/models.ts";
import { standIns } from "../inference/config.ts";
import { isVirtual } from "../inference/routing/virtual-config.ts";

type Models = Config["models"];

/** The models of a configuration, for people. */
export const toModelEntries = (models: Models = {}): readonly ModelEntry[] =>
  Object.entries(models).map(([name, entry]): ModelEntry => {
    if (isVirtual(entry))
      return {
        name,
        provider: "sallyport",
        fallback: [],
        choices: [...new Set([...entry.choose.map(({ use }) => use), entry.otherwise])],
      };
    const isPooled = "pool" in entry;
    const upstreamName = (isPooled ? (entry.adapter ?? entry.model) : entry.model) ?? name;
    const price = entry.price ?? (isPooled ? undefined : listedPrice(entry.provider, upstreamName));
    return {
      name,
      provider: isPooled ? `pool ${entry.pool}` : entry.provider,
      upstreamName,
      ...(isPooled && { pool: entry.pool }),
      ...(isPooled && entry.adapter !== undefined && { adapter: entry.adapter }),
      ...(price !== undefined && { price }),
      fallback: standIns(name, models),
    };
  });
