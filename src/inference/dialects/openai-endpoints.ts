import type { CallKind, Endpoint } from "../model-call.ts";
import { readBoolean, readCount, readList, readMessages, readModel, toFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { readMaxTokens, readText, readWantsUsage } from "./openai-fields.ts";

type ReadList = (fields: Fields) => readonly unknown[];

/** An endpoint whose model writes something, streamed on demand. */
function generation(
  kind: CallKind,
  method: string,
  messagesOf: ReadList,
  toolsOf: ReadList,
  answersOf: (fields: Fields) => number,
): Endpoint {
  return {
    dialect: "openai",
    kind,
    method,
    read(body) {
      const fields = toFields(body);
      const model = readModel(fields);
      const stream = readBoolean(fields, "stream");
      const maxTokens = readMaxTokens(fields);
      return {
        model,
        stream,
        wantsUsage: stream && readWantsUsage(fields),
        messages: messagesOf(fields),
        tools: toolsOf(fields),
        maxTokens,
        maxOutputTokens: maxTokens === 0n ? undefined : Number(maxTokens) * answersOf(fields),
      };
    },
  };
}

const chatCompletions = generation(
  "chat",
  "chat.completions",
  readMessages,
  (fields) => readList(fields, "tools"),
  (fields) => readCount(fields, "n") || 1,
);

/* The provider writes, and charges for, `best_of` answers to each prompt. */
const completions = generation(
  "completions",
  "completions",
  (fields) => readText(fields, "prompt"),
  () => [],
  (fields) => Math.max(readCount(fields, "n"), readCount(fields, "best_of"), 1) * countPrompts(fields["prompt"]),
);

/* A list of numbers is one prompt in tokens. */
function countPrompts(prompt: unknown): number {
  return Array.isArray(prompt) && typeof prompt[0] !== "number" ? Math.max(prompt.length, 1) : 1;
}

const embeddings: Endpoint = {
  dialect: "openai",
  kind: "embeddings",
  method: "embeddings",
  read(body) {
    const fields = toFields(body);
    return {
      model: readModel(fields),
      stream: false,
      wantsUsage: false,
      messages: readText(fields, "input"),
      tools: [],
      maxTokens: 0n,
      maxOutputTokens: 0,
    };
  },
};

/** The OpenAI dialect's calls of a model, by the gateway's path. */
export const openaiEndpoints: ReadonlyMap<string, Endpoint> = new Map([
  ["/v1/chat/completions", chatCompletions],
  ["/v1/completions", completions],
  ["/v1/embeddings", embeddings],
]);
