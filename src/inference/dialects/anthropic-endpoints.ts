import type { Endpoint } from "../model-call.ts";
import { readBoolean, readCount, readList, readMessages, readModel, toFields, wrong } from "./fields.ts";
import type { Fields } from "./fields.ts";

/* Policies and guards look at messages; what stands in `system` is the first of them. */
function readConversation(fields: Fields): readonly unknown[] {
  const messages = readMessages(fields);
  const system = fields["system"];
  if (system === undefined || system === null) return messages;
  if (typeof system !== "string" && !Array.isArray(system)) throw wrong("system", "must be a string or an array");
  return [{ role: "system", content: system }, ...messages];
}

const messages: Endpoint = {
  dialect: "anthropic",
  kind: "chat",
  method: "messages",
  read(body) {
    const fields = toFields(body);
    const model = readModel(fields);
    if (fields["max_tokens"] === undefined || fields["max_tokens"] === null)
      throw wrong("max_tokens", "is required: the most tokens the answer may have");
    const maxTokens = readCount(fields, "max_tokens");
    return {
      model,
      stream: readBoolean(fields, "stream"),
      // A stream of this dialect always says what it used.
      wantsUsage: true,
      messages: readConversation(fields),
      tools: readList(fields, "tools"),
      maxTokens: BigInt(maxTokens),
      maxOutputTokens: maxTokens,
    };
  },
};

const countTokens: Endpoint = {
  dialect: "anthropic",
  kind: "count",
  method: "messages.count_tokens",
  read(body) {
    const fields = toFields(body);
    return {
      model: readModel(fields),
      stream: false,
      wantsUsage: false,
      messages: readConversation(fields),
      tools: readList(fields, "tools"),
      maxTokens: 0n,
      maxOutputTokens: 0,
    };
  },
};

/** The Anthropic dialect's calls of a model, by the gateway's path. */
export const anthropicEndpoints: ReadonlyMap<string, Endpoint> = new Map([
  ["/v1/messages", messages],
  ["/v1/messages/count_tokens", countTokens],
]);
