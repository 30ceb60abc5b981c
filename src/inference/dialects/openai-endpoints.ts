import type { Endpoint } from "../model-call.ts";
import {
  readBoolean,
  readList,
  readMaxTokens,
  readMessages,
  readModel,
  readText,
  readWantsUsage,
  toFields,
} from "./openai-fields.ts";

type Fields = ReturnType<typeof toFields>;
type ReadList = (fields: Fields) => readonly unknown[];

/** An endpoint whose model writes something, streamed on demand. */
function generation(method: string, upstreamPath: string, messagesOf: ReadList, toolsOf: ReadList): Endpoint {
  return {
    method,
    upstreamPath,
    read(body) {
      const fields = toFields(body);
      const model = readModel(fields);
      const stream = readBoolean(fields, "stream");
      return {
        model,
        stream,
        wantsUsage: stream && readWantsUsage(fields),
        messages: messagesOf(fields),
        tools: toolsOf(fields),
        maxTokens: readMaxTokens(fields),
      };
    },
  };
}

const chatCompletions = generation("chat.completions", "/chat/completions", readMessages, (fields) =>
  readList(fields, "tools"),
);

const completions = generation(
  "completions",
  "/completions",
  (fields) => readText(fields, "prompt"),
  () => [],
);

const embeddings: Endpoint = {
  method: "embeddings",
  upstreamPath: "/embeddings",
  read(body) {
    const fields = toFields(body);
    const model = readModel(fields);
    return { model, stream: false, wantsUsage: false, messages: readText(fields, "input"), tools: [], maxTokens: 0n };
  },
};

/** The OpenAI dialect's calls of a model, by the gateway's path. */
export const openaiEndpoints: ReadonlyMap<string, Endpoint> = new Map([
  ["/v1/chat/completions", chatCompletions],
  ["/v1/completions", completions],
  ["/v1/embeddings", embeddings],
]);
