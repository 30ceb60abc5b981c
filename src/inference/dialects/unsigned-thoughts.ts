import type { JsonEdit } from "../../core/json-edit.ts";
import { isFields } from "./fields.ts";

/**
 * Stands as the signature of thoughts whose provider signs none. Anthropic refuses a whole conversation for one such block, so that a
 * caller who was answered by another model once could never go back.
 */
export const UNSIGNED = "sallyport-unsigned";

/** The edits that take such thoughts out of a request to Anthropic, and a message that holds nothing else. */
export function withoutUnsigned(body: unknown): readonly JsonEdit[] {
  const edits: JsonEdit[] = [];
  const messages = isFields(body) ? body["messages"] : undefined;
  if (!Array.isArray(messages)) return edits;
  for (const [index, message] of (messages as readonly unknown[]).entries()) {
    const content = isFields(message) ? message["content"] : undefined;
    if (!Array.isArray(content)) continue;
    const path = ["messages", index];
    const found = (content as readonly unknown[]).flatMap((block, at) =>
      isFields(block) && block["signature"] === UNSIGNED ? [at] : [],
    );
    if (found.length === content.length && found.length > 0) edits.push({ path, json: undefined });
    else for (const at of found) edits.push({ path: [...path, "content", at], json: undefined });
  }
  return edits;
}
