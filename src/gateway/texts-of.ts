import type { Operation } from "../core/operation.ts";
import type { TextSlot } from "../core/text.ts";

/* Keys that hold addresses and binary data: no model reads them as text. */
const notText = new Set([
  "url",
  "uri",
  "data",
  "blob",
  "raw",
  "bytes",
  "file_data",
  "image_url",
  "input_audio",
  "mimeType",
  "mediaType",
]);

/** Every text of an operation that a model, an agent or a tool may read. */
export function textsOf({ variables }: Operation): readonly TextSlot[] {
  const texts: string[] = [];
  const { mcp, a2a, llm } = variables;
  if (mcp !== undefined) collect([mcp.tool.arguments, mcp.prompt.arguments], texts);
  if (a2a !== undefined) collect(a2a.message.parts, texts);
  if (llm !== undefined) collect(llm.messages, texts);
  return texts.map((text) => ({ path: [], role: "user", text, channel: "" }));
}

/* A stack of its own, so that deep input cannot exhaust the engine's. */
function collect(root: unknown, texts: string[]): void {
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value === "string") texts.push(value);
    else if (Array.isArray(value)) for (let index = value.length - 1; index >= 0; index--) stack.push(value[index]);
    else if (typeof value === "object" && value !== null) {
      for (const [key, member] of Object.entries(value).reverse())
        if (!notText.has(key) || isStructured(member)) stack.push(member);
    }
  }
}

/* A2A and MCP put objects under `data`, whose strings are read. */
function isStructured(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
