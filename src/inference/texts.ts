import type { AnswerForm, TextSlot } from "../core/text.ts";
import { createAnthropicForm } from "./dialects/anthropic-answer-form.ts";
import { messagesTexts } from "./dialects/anthropic-texts.ts";
import { createOpenaiForm } from "./dialects/openai-answer-form.ts";
import { chatTexts, promptTexts } from "./dialects/openai-texts.ts";
import type { Endpoint } from "./model-call.ts";

/** The texts of a call in its caller's dialect. Throws `denied` for a prompt that no guard can read. */
export function requestTexts({ dialect, kind }: Endpoint, body: unknown): readonly TextSlot[] {
  if (dialect === "anthropic") return messagesTexts(body);
  if (kind === "chat") return chatTexts(body);
  return promptTexts(body, kind === "embeddings" ? ["input"] : ["prompt", "suffix"]);
}

/** How texts lie in the answer to a call; undefined where it has none. */
export function createForm({ dialect, kind }: Endpoint): AnswerForm | undefined {
  if (kind === "embeddings" || kind === "count") return undefined;
  return dialect === "anthropic" ? createAnthropicForm() : createOpenaiForm();
}
