import { variants } from "../../../core/extension.ts";
import { z } from "zod";
import { activeRequestScorer } from "./active-request.ts";
import { kvCacheUtilizationScorer } from "./kv-cache-utilization.ts";
import { loadAwareScorer } from "./load-aware.ts";
import { loraAffinityScorer } from "./lora-affinity.ts";
import { prefixCacheScorer } from "./prefix-cache.ts";
import { queueScorer } from "./queue.ts";
import { runningRequestsScorer } from "./running-requests.ts";
import { sessionAffinityScorer } from "./session-affinity.ts";
import { tokenLoadScorer } from "./token-load.ts";

/** Every type of scorer, under the field's names. */
export const scorers = [
  activeRequestScorer,
  kvCacheUtilizationScorer,
  loadAwareScorer,
  loraAffinityScorer,
  prefixCacheScorer,
  queueScorer,
  runningRequestsScorer,
  sessionAffinityScorer,
  tokenLoadScorer,
] as const;

/** One entry of a profile's `scorers:` in the configuration. */
export const scorerSchema = variants(scorers, {
  weight: z
    .number()
    .positive()
    .default(1)
    .meta({ description: "What the score is multiplied with.", examples: [2] }),
});
