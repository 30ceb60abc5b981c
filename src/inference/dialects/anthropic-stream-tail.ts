import type { AnswerEvent } from "../../core/step.ts";
import type { StreamTail } from "./dialect.ts";
import { isFields } from "./fields.ts";

/** Ends a message before its time: its open blocks are closed, and it has reached its `max_tokens`. */
export function createAnthropicStreamTail(): StreamTail {
  const open = new Set<unknown>();
  return {
    follow(value) {
      if (!isFields(value)) return;
      if (value["type"] === "content_block_start") open.add(value["index"]);
      if (value["type"] === "content_block_stop") open.delete(value["index"]);
    },
    end: (outputTokens) => [
      ...[...open].map((index) => toEvent("content_block_stop", { index })),
      toEvent("message_delta", {
        delta: { stop_reason: "max_tokens", stop_sequence: null },
        usage: { output_tokens: outputTokens },
      }),
      toEvent("message_stop", {}, true),
    ],
  };
}

/* The official SDK goes by the `event` field. */
function toEvent(type: string, fields: object, last = false): AnswerEvent {
  const value = { type, ...fields };
  return { value, bytes: Buffer.from(JSON.stringify(value)), name: type, last };
}
