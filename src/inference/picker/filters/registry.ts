import { variants } from "../../../core/extension.ts";
import { loraAffinityFilter } from "./lora-affinity.ts";
import { prefixCacheAffinityFilter } from "./prefix-cache-affinity.ts";
import { sessionAffinityFilter } from "./session-affinity.ts";
import { utilizationFilter } from "./utilization.ts";

/** Every type of filter, under the field's names where it has one. */
export const filters = [
  loraAffinityFilter,
  prefixCacheAffinityFilter,
  sessionAffinityFilter,
  utilizationFilter,
] as const;

/** One entry of a profile's `filters:` in the configuration. */
export const filterSchema = variants(filters);
