import { z } from "zod";
import { defineFilter, keepWhere } from "../filter.ts";

export const utilizationFilter = defineFilter({
  type: "utilization-filter",
  description:
    "Takes out endpoints above a limit of requests under way, waiting requests or KV cache; all stay when every one is above.",
  options: {
    activeRequests: z
      .int()
      .min(0)
      .optional()
      .meta({ description: "Own requests under way, at most.", examples: [100] }),
    waitingQueue: z
      .int()
      .min(0)
      .optional()
      .meta({ description: "Waiting requests, at most.", examples: [5] }),
    kvCacheUtilization: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: "Used share of the KV cache, at most.", examples: [0.8] }),
  },
  create: ({ activeRequests = Infinity, waitingQueue = Infinity, kvCacheUtilization = 1 }) => ({
    filter(scene) {
      keepWhere(
        scene,
        ({ endpoints, nowMs }, slot) =>
          endpoints.requests[slot]! <= activeRequests &&
          endpoints.kvUsage(slot, nowMs) <= kvCacheUtilization &&
          endpoints.waiting(slot, nowMs) <= waitingQueue,
      );
    },
  }),
});
