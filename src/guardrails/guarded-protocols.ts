import { z } from "zod";
import { type Protocol, protocols } from "../core/operation.ts";

/** The option `on` of a guard: the protocols it guards, `absent` where configuration does not say. */
export const guardedProtocols = (absent: readonly Protocol[], why: string) =>
  z
    .array(z.enum(protocols))
    .min(1)
    .default([...absent])
    .meta({ description: `The protocols it guards${why}.`, examples: [[...absent]] });
