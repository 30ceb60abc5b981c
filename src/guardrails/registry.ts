import { z } from "zod";
import { variants } from "../core/extension.ts";
import { protocols } from "../core/operation.ts";
import { maxLength } from "./max-length.ts";
import { pattern } from "./pattern.ts";
import { pii } from "./pii/pii.ts";
import { webhook } from "./webhook.ts";

/** Every type of guard. */
export const guards = [maxLength, pattern, pii, webhook] as const;

/** One entry of `guardrails:` in the configuration. */
export const guardSchema = variants(guards, {
  on: z
    .array(z.enum(protocols))
    .min(1)
    .default([...protocols])
    .meta({ description: "The protocols it guards; all when absent.", examples: [["llm", "mcp", "a2a"]] }),
});
