import { setTimeout as delay } from "node:timers/promises";
import type { CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

const said = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });

const defaults = {
  name: { type: "string", description: "User name", default: "John Doe" },
  age: { type: "integer", description: "User age", default: 30 },
  score: { type: "number", description: "User score", default: 95.5 },
  status: { type: "string", description: "User status", enum: ["active", "inactive", "pending"], default: "active" },
  verified: { type: "boolean", description: "Verification status", default: true },
};
const titled = (word: string) =>
  ["First", "Second", "Third"].map((ordinal, index) => ({ const: `value${index + 1}`, title: `${ordinal} ${word}` }));
const enums = {
  untitledSingle: { type: "string", description: "Select one", enum: ["option1", "option2", "option3"] },
  titledSingle: { type: "string", description: "Select one with titles", oneOf: titled("Option") },
  legacyEnum: {
    type: "string",
    description: "Select one, the old way",
    enum: ["opt1", "opt2", "opt3"],
    enumNames: ["Option One", "Option Two", "Option Three"],
  },
  untitledMulti: {
    type: "array",
    description: "Select several",
    minItems: 1,
    maxItems: 3,
    items: { type: "string", enum: ["option1", "option2", "option3"] },
  },
  titledMulti: {
    type: "array",
    description: "Select several with titles",
    minItems: 1,
    maxItems: 3,
    items: { anyOf: titled("Choice") },
  },
};

/** Tools of the session era that ask the client while they run. */
export function addSessionTools(
  server: McpServer,
  closeStream: (sessionId: string | undefined, requestId: string | number) => void,
): void {
  server.registerTool(
    "test_sampling",
    { description: "asks the client's model", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const answer = await mcpReq.send({
        method: "sampling/createMessage",
        params: { messages: [{ role: "user", content: { type: "text", text: prompt } }], maxTokens: 100 },
      });
      return said(`LLM response: ${(answer.content as { text?: string }).text ?? ""}`);
    },
  );
  const elicit = (
    name: string,
    input: z.ZodObject,
    formOf: (args: Record<string, unknown>) => {
      readonly message: string;
      readonly properties: Record<string, unknown>;
      readonly required: string[];
    },
  ) =>
    server.registerTool(
      name,
      { description: "asks the client's user", inputSchema: input },
      async (args, { mcpReq }) => {
        const { message, properties, required } = formOf(args);
        const requestedSchema = {
          type: "object" as const,
          properties: properties as Record<string, { type: "string" }>,
          required,
        };
        const answer = await mcpReq.send({ method: "elicitation/create", params: { message, requestedSchema } });
        return said(`User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`);
      },
    );
  elicit("test_elicitation", z.object({ message: z.string() }), ({ message }) => ({
    message: String(message),
    properties: { response: { type: "string", description: "User's response" } },
    required: ["response"],
  }));
  elicit("test_elicitation_sep1034_defaults", z.object({}), () => ({
    message: "Please review the defaults",
    properties: defaults,
    required: [],
  }));
  elicit("test_elicitation_sep1330_enums", z.object({}), () => ({
    message: "Please select",
    properties: enums,
    required: [],
  }));
  server.registerTool(
    "test_reconnection",
    { description: "closes its stream and answers on the next", inputSchema: z.object({}) },
    async (_args, { sessionId, mcpReq }) => {
      closeStream(sessionId, mcpReq.id);
      await delay(100);
      return said("Reconnection test completed successfully.");
    },
  );
}
