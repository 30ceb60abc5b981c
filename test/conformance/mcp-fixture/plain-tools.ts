import { setTimeout as delay } from "node:timers/promises";
import { fromJsonSchema } from "@modelcontextprotocol/server";
import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/** The smallest valid PNG and WAV: one red pixel, no samples. */
export const PIXEL_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const SILENT_WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

type Content = CallToolResult["content"][number];
const text = (value: string): Content => ({ type: "text", text: value });
const image: Content = { type: "image", data: PIXEL_PNG, mimeType: "image/png" };
const embedded = (uri: string, mimeType: string, value: string): Content => ({
  type: "resource",
  resource: { uri, mimeType, text: value },
});

/** Tools that always give the same content. */
const fixed: Readonly<Record<string, readonly Content[]>> = {
  test_simple_text: [text("This is a simple text response for testing.")],
  test_image_content: [image],
  test_audio_content: [{ type: "audio", data: SILENT_WAV, mimeType: "audio/wav" }],
  test_embedded_resource: [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  test_multiple_content_types: [
    text("Multiple content types test:"),
    image,
    embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  ],
  test_streaming_elicitation: [text("nothing is asked on this stream")],
};

const schema2020 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // oxlint-disable-next-line no-thenable -- a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
} as const;

export interface Changes {
  tools(): void;
  prompts(): void;
}

/** Tools that need nothing of the client. */
export function addPlainTools(server: McpServer, changes: Changes): void {
  for (const [name, content] of Object.entries(fixed))
    server.registerTool(name, { description: `${name}: always the same content` }, async () => ({
      content: [...content],
    }));

  server.registerTool("test_error_handling", { description: "always fails" }, async () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "JSON Schema 2020-12 keywords", inputSchema: fromJsonSchema(schema2020) },
    async (args) => ({ content: [text(JSON.stringify(args))] }),
  );
  const mirrored = {
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } },
  } as const;
  server.registerTool(
    "test_x_mcp_header",
    {
      description: "an argument that is mirrored into a header",
      inputSchema: fromJsonSchema<{ region?: string }>(mirrored),
    },
    async (args) => ({ content: [text(`region=${args.region ?? ""}`)] }),
  );

  server.registerTool(
    "test_tool_with_logging",
    { description: "logs three messages", inputSchema: z.object({}) },
    async (_args, { mcpReq }) => {
      for (const message of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await mcpReq.log("info", message);
        await delay(50);
      }
      return { content: [text("Tool with logging executed successfully")] };
    },
  );
  server.registerTool(
    "test_logging_tool",
    { description: "logs one message", inputSchema: z.object({}) },
    async (_args, { mcpReq }) => {
      await mcpReq.log("info", "only for those who asked");
      return { content: [text("logged")] };
    },
  );
  server.registerTool(
    "test_tool_with_progress",
    { description: "reports progress in three steps", inputSchema: z.object({}) },
    async (_args, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        await mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken: progressToken!, progress, total: 100, message: `${progress} of 100` },
        });
        await delay(20);
      }
      return { content: [text(String(progressToken ?? "no token"))] };
    },
  );
  server.registerTool(
    "test_trigger_tool_change",
    { description: "announces a change of the tools", inputSchema: z.object({}) },
    async () => {
      changes.tools();
      return { content: [text("announced")] };
    },
  );
  server.registerTool(
    "test_trigger_prompt_change",
    { description: "announces a change of the prompts", inputSchema: z.object({}) },
    async () => {
      changes.prompts();
      return { content: [text("announced")] };
    },
  );
}
