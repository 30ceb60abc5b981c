import { z } from "zod";
import type { Protocol } from "../core/operation.ts";

/** Those whose messages are read. What goes to services is passed on unread. */
export const guarded = ["mcp", "a2a", "llm"] as const satisfies readonly Protocol[];

/** The option `on` of a guard: the protocols it guards, `absent` where configuration does not say. */
export const guardedProtocols = (absent: readonly (typeof guarded)[number][], why: string) =>
  z
    .array(z.enum(guarded))
    .min(1)
    .default([...absent])
    .meta({ description: `The protocols it guards${why}.`, examples: [[...absent]] });
