import { a2aAgentResource } from "./a2a-agent.ts";
import type { AnyResource } from "./define-resource.ts";
import { inferencePoolResource, oldInferencePoolResource } from "./inference-pool.ts";
import { mcpServerResource } from "./mcp-server.ts";

/** Every kind that is configuration by itself. */
export const resources: readonly AnyResource[] = [
  inferencePoolResource,
  oldInferencePoolResource,
  mcpServerResource,
  a2aAgentResource,
];
