import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import {
  addressRules,
  credentialRules,
  credentials,
  dollarText,
  durationText,
  httpUrl,
  SALLYPORT_GROUP,
  serviceRef,
} from "./own-words.ts";

const timeout = (description: string) => durationText.default("5s").meta({ description });

const spec = z.strictObject({
  url: httpUrl.optional().meta({ description: "A Streamable HTTP server." }),
  service: serviceRef.optional(),
  credentials: credentials.optional(),
  era: z.enum(["auto", "session", "stateless"]).default("auto").meta({
    description: "`session`: protocol 2025-11-25 and earlier; `stateless`: 2026-07-28; `auto`: the server is asked.",
  }),
  prices: z
    .record(z.string(), dollarText)
    .refine((prices) => Object.keys(prices).length <= 256, "at most 256 prices")
    .optional()
    .meta({
      maxProperties: 256,
      description: "What a call of each of its tools costs; what is not named costs nothing.",
    }),
  timeouts: z
    .strictObject({
      connect: timeout("Longest wait for a session."),
      list: timeout("Longest wait for all pages of one list; a slower server is left out of the answer."),
      call: durationText
        .default("5m")
        .meta({ description: "Longest silence of a call, to the first byte and between two messages." }),
    })
    .prefault({})
    .meta({ description: "Deadlines toward this server." }),
});
export type McpServerSpec = z.output<typeof spec>;

/** An entry of `mcp.servers`, offered at /mcp/NAMESPACE/NAME and beside the others of its namespace at /mcp/NAMESPACE. */
export const mcpServer = defineKind<McpServerSpec>({
  group: SALLYPORT_GROUP,
  kind: "MCPServer",
  plural: "mcpservers",
  versions: ["v1alpha1"],
  own: {
    description: "An MCP server behind the gateway, offered at /mcp/NAMESPACE/NAME and at /mcp/NAMESPACE.",
    shortNames: ["mcps"],
    columns: [
      { name: "URL", jsonPath: ".spec.url" },
      { name: "Service", jsonPath: ".spec.service.name" },
    ],
    served: true,
  },
  schema: spec,
  rules: [...addressRules, ...credentialRules],
});
