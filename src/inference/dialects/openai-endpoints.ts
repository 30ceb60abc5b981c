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

/** The OpenAI dialect's calls of a model, by path. */
export const openaiEndpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  [
    "/v1/chat/completions",
    {
      method: "chat.completions",
      read(body) {
        const fields = toFields(body);
        const model = readModel(fields);
        const stream = readBoolean(fields, "stream");
        return {
          method: "chat.completions",
          path: "/chat/completions",
          model,
          stream,
          wantsUsage: stream && readWantsUsage(fields),
          messages: readMessages(fields),
          tools: readList(fields, "tools"),
          maxTokens: readMaxTokens(fields),
        };
      },
    },
  ],
  [
    "/v1/completions",
    {
      method: "completions",
      read(body) {
        const fields = toFields(body);
        const model = readModel(fields);
        const stream = readBoolean(fields, "stream");
        return {
          method: "completions",
          path: "/completions",
          model,
          stream,
          wantsUsage: stream && readWantsUsage(fields),
          messages: readText(fields, "prompt"),
          tools: [],
          maxTokens: readMaxTokens(fields),
        };
      },
    },
  ],
  [
    "/v1/embeddings",
    {
      method: "embeddings",
      read(body) {
        const fields = toFields(body);
        const model = readModel(fields);
        return {
          method: "embeddings",
          path: "/embeddings",
          model,
          stream: false,
          wantsUsage: false,
          messages: readText(fields, "input"),
          tools: [],
          maxTokens: 0n,
        };
      },
    },
  ],
]);
