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

const chatCompletions: Endpoint = {
  method: "chat.completions",
  upstreamPath: "/chat/completions",
  read(body) {
    const fields = toFields(body);
    const model = readModel(fields);
    const stream = readBoolean(fields, "stream");
    return {
      model,
      stream,
      wantsUsage: stream && readWantsUsage(fields),
      messages: readMessages(fields),
      tools: readList(fields, "tools"),
      maxTokens: readMaxTokens(fields),
    };
  },
};

const completions: Endpoint = {
  method: "completions",
  upstreamPath: "/completions",
  read(body) {
    const fields = toFields(body);
    const model = readModel(fields);
    const stream = readBoolean(fields, "stream");
    return {
      model,
      stream,
      wantsUsage: stream && readWantsUsage(fields),
      messages: readText(fields, "prompt"),
      tools: [],
      maxTokens: readMaxTokens(fields),
    };
  },
};

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
