import type { AnswerEvent } from "../../core/step.ts";
import type { IrEvent, IrOpening } from "../ir.ts";
import { writeAnthropicEnd } from "./anthropic-answer.ts";
import { writeAnthropicUsage } from "./anthropic-usage.ts";
import type { StreamScribe, StreamWriterForm } from "./dialect.ts";
import { UNSIGNED } from "./unsigned-thoughts.ts";

/** Writes a streamed answer as the events of a message. */
export function createAnthropicStreamScribe({ inputTokens }: StreamWriterForm): StreamScribe {
  /* The part that is open, while it is a thought that nobody has signed. */
  let unsigned: number | undefined;
  return (event) => {
    switch (event.type) {
      case "start":
        return [toEvent("message_start", { message: writeStart(event, inputTokens) })];
      case "open":
        unsigned = event.part.kind === "thinking" ? event.index : undefined;
        return [toEvent("content_block_start", { index: event.index, content_block: writeOpening(event.part) })];
      case "delta":
        if (event.of === "signature") unsigned = undefined;
        return [toDelta(event)];
      case "close": {
        const { index } = event;
        const stop = toEvent("content_block_stop", { index });
        return index === unsigned ? [toDelta({ index, of: "signature", text: UNSIGNED }), stop] : [stop];
      }
      case "end":
        return [
          toEvent("message_delta", {
            delta: writeAnthropicEnd(event.end),
            usage: writeAnthropicUsage(event.usage ?? { inputTokens }),
          }),
          toEvent("message_stop", {}, true),
        ];
    }
  };
}

/* The official SDK goes by the `event` field. */
function toEvent(type: string, fields: object, last = false): AnswerEvent {
  const value = { type, ...fields };
  return { value, bytes: Buffer.from(JSON.stringify(value)), name: type, last };
}

/* Clients read the input's size here, which other dialects tell at the end: an estimate, put right in `message_delta`. */
function writeStart({ id, model, usage }: Extract<IrEvent, { readonly type: "start" }>, inputTokens: number): object {
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content: [],
    container: null,
    stop_reason: null,
    stop_sequence: null,
    usage: writeAnthropicUsage(usage ?? { inputTokens }),
  };
}

function writeOpening(part: IrOpening): object {
  switch (part.kind) {
    case "text":
      return { type: "text", text: "", citations: null };
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "redacted":
      return { type: "redacted_thinking", data: part.data };
    case "call":
      return { type: "tool_use", id: part.id, name: part.name, input: {} };
  }
}

type Delta = Omit<Extract<IrEvent, { readonly type: "delta" }>, "type">;

const toDelta = (delta: Delta) => toEvent("content_block_delta", { index: delta.index, delta: writeDelta(delta) });

function writeDelta({ of, text }: Delta): object {
  switch (of) {
    case "text":
      return { type: "text_delta", text };
    case "thinking":
      return { type: "thinking_delta", thinking: text };
    case "signature":
      return { type: "signature_delta", signature: text };
    case "args":
      return { type: "input_json_delta", partial_json: text };
  }
}
