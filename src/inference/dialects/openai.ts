import { isContextTooLong } from "../context-too-long.ts";
import type { Dialect } from "./dialect.ts";
import { readOpenaiAnswer, writeOpenaiAnswer } from "./openai-answer.ts";
import { openaiEndpoints } from "./openai-endpoints.ts";
import { renderOpenaiError, toOpenaiErrorEvent } from "./openai-errors.ts";
import { readOpenaiEvent } from "./openai-events.ts";
import { readOpenaiRequest } from "./openai-read-request.ts";
import { OpenaiStreamReader } from "./openai-stream-reader.ts";
import { createOpenaiStreamScribe } from "./openai-stream-scribe.ts";
import { createOpenaiStreamTail } from "./openai-stream-tail.ts";
import { readOpenaiUsage } from "./openai-usage.ts";
import { writeOpenaiRequest } from "./openai-write-request.ts";

/** OpenAI's chat completions, completions and embeddings. */
export const openai: Dialect = {
  name: "openai",
  endpoints: openaiEndpoints,
  paths: { chat: "/chat/completions", completions: "/completions", embeddings: "/embeddings" },
  passHeaders: ({ "openai-beta": beta }, own) => (beta === undefined ? { ...own } : { ...own, "openai-beta": beta }),
  withoutForeign: () => [],
  renderError: renderOpenaiError,
  writeError: (spec, message) => {
    // Clients that shorten a conversation look for this code.
    const tooLong = spec.openai === "invalid_request_error" && isContextTooLong(400, message);
    const code = tooLong ? "context_length_exceeded" : null;
    return JSON.stringify({ error: { message, type: spec.openai, param: null, code } });
  },
  toErrorEvent: toOpenaiErrorEvent,
  keepAlive: ": keepalive\n\n",
  readEvent: readOpenaiEvent,
  nameEvent: () => undefined,
  readUsage: readOpenaiUsage,
  readRequest: readOpenaiRequest,
  writeRequest: writeOpenaiRequest,
  readAnswer: readOpenaiAnswer,
  writeAnswer: writeOpenaiAnswer,
  createStreamReader: () => new OpenaiStreamReader(),
  createStreamScribe: createOpenaiStreamScribe,
  createStreamTail: createOpenaiStreamTail,
};
