import { acceptedContent, inputRequired, ResourceTemplate } from "@modelcontextprotocol/server";
import type { GetPromptResult, InputRequiredResult, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { PIXEL_PNG } from "./plain-tools.ts";

const contents: Readonly<
  Record<string, { readonly mimeType: string; readonly text?: string; readonly blob?: string }>
> = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PIXEL_PNG },
  "test://watched-resource": { mimeType: "text/plain", text: "Watched resource content" },
};

/** The resources the suite reads, subscribes to and completes. */
export function addResources(server: McpServer): void {
  for (const [uri, content] of Object.entries(contents))
    server.registerResource(
      uri.slice("test://".length),
      uri,
      { title: uri, description: "for testing", mimeType: content.mimeType },
      async () => ({ contents: [{ uri, ...content } as { uri: string; text: string }] }),
    );
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { title: "A template", mimeType: "application/json" },
    async (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: "application/json",
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
  server.server.setRequestHandler("resources/subscribe", () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", () => ({}));
  server.server.setRequestHandler("logging/setLevel", () => ({}));
  server.server.setRequestHandler("completion/complete", () => ({
    completion: { values: ["paris", "park"], total: 2, hasMore: false },
  }));
}

const user = (content: GetPromptResult["messages"][number]["content"]): GetPromptResult["messages"][number] => ({
  role: "user",
  content,
});
const text = (value: string) => user({ type: "text", text: value });

/** The prompts the suite gets. */
export function addPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", { title: "Simple", description: "without arguments" }, async () => ({
    messages: [text("This is a simple prompt for testing.")],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      title: "Arguments",
      description: "with two arguments",
      argsSchema: z.object({ arg1: z.string(), arg2: z.string() }),
    },
    async ({ arg1, arg2 }) => ({
      messages: [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
    }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { title: "Embedded", description: "with a resource", argsSchema: z.object({ resourceUri: z.string() }) },
    async ({ resourceUri }) => ({
      messages: [
        user({
          type: "resource",
          resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." },
        }),
        text("Please process the embedded resource above."),
      ],
    }),
  );
  server.registerPrompt("test_prompt_with_image", { title: "Image", description: "with an image" }, async () => ({
    messages: [
      user({ type: "image", data: PIXEL_PNG, mimeType: "image/png" }),
      text("Please analyze the image above."),
    ],
  }));
  server.registerPrompt(
    "test_input_required_result_prompt",
    { title: "Asking", description: "asks by its result" },
    async (context): Promise<GetPromptResult | InputRequiredResult> => {
      /* A prompt without arguments gets the context alone, which its type does not say. */
      const given = acceptedContent<{ context: unknown }>(context.mcpReq.inputResponses, "user_context")?.context;
      if (typeof given === "string") return { messages: [text(`Use this context: ${given}`)] };
      const requestedSchema = {
        type: "object" as const,
        properties: { context: { type: "string" as const } },
        required: ["context"],
      };
      return inputRequired({
        inputRequests: { user_context: inputRequired.elicit({ message: "Which context?", requestedSchema }) },
      });
    },
  );
}
