import { z } from "zod";
import { a2aConfig } from "../a2a/config.ts";
import { authConfig } from "../auth/config.ts";
import { authzConfig } from "../authz/config.ts";
import { budgetsConfig } from "../budgets/config.ts";
import { guardrailsConfig } from "../guardrails/config.ts";
import { gatewayConfig } from "../gateway/config.ts";
import { httpConfig } from "../http/config.ts";
import { inferenceConfig } from "../inference/config.ts";
import { mcpConfig } from "../mcp/config.ts";
import { observabilityConfig } from "../observability/config.ts";
import { servicesConfig } from "../services/config.ts";
import { k8sConfig } from "../k8s/config.ts";
import { stateConfig } from "../state/config.ts";

/** The whole configuration: every domain's part, side by side. A domain that gains a `config.ts` gains a line here. */
export const configSchema = z
  .strictObject({
    ...httpConfig,
    ...gatewayConfig,
    ...authConfig,
    ...mcpConfig,
    ...a2aConfig,
    ...inferenceConfig,
    ...servicesConfig,
    ...authzConfig,
    ...budgetsConfig,
    ...guardrailsConfig,
    ...stateConfig,
    ...observabilityConfig,
    ...k8sConfig,
  })
  .meta({ title: "sallyport.yaml", description: "The configuration of a Sallyport gateway." });

/** What `loadConfig` gives: parsed, checked and frozen. */
export type Config = z.output<typeof configSchema> & {
  /** Absolute path of the folder the file lies in; relative paths in the file start here. */
  readonly baseDir: string;
};
