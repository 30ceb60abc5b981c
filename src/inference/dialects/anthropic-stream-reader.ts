import { GatewayError } from "../../core/errors.ts";
import type { Usage } from "../../core/operation.ts";
import type { IrEvent, IrOpening } from "../ir.ts";
import { toAnthropicEnd } from "./anthropic-answer.ts";
import { readAnthropicUsage } from "./anthropic-usage.ts";
import { cannotShow, quote } from "./carry.ts";
import type { StreamReader } from "./dialect.ts";
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";

type DeltaKind = Extract<IrEvent, { readonly type: "delta" }>["of"];

/** The kinds of a block's deltas, and the field that holds the text of each. */
const deltas = new Map<unknown, readonly [of: DeltaKind, field: string]>(
  Object.entries({
    text_delta: ["text", "text"],
    thinking_delta: ["thinking", "thinking"],
    signature_delta: ["signature", "signature"],
    input_json_delta: ["args", "partial_json"],
  }),
);

/** Reads the events of a message. */
export class AnthropicStreamReader implements StreamReader {
  /* Blocks that are open, by the provider's own number. */
  readonly #open = new Map<unknown, number>();
  #parts = 0;
  #ended: Fields = {};

  read(value: Fields): readonly IrEvent[] {
    const { type, index } = value;
    switch (type) {
      case "message_start":
        return [start(isFields(value["message"]) ? value["message"] : {})];
      case "content_block_start":
        this.#open.set(index, this.#parts);
        return openBlock(this.#parts++, isFields(value["content_block"]) ? value["content_block"] : {});
      case "content_block_delta":
        return readDelta(this.#numberOf(index), isFields(value["delta"]) ? value["delta"] : {});
      case "content_block_stop": {
        const number = this.#numberOf(index);
        this.#open.delete(index);
        return [{ type: "close", index: number }];
      }
      case "message_delta":
        if (isFields(value["delta"])) this.#ended = value["delta"];
        return [];
      default:
        return [];
    }
  }

  finish(usage: Usage | undefined): readonly IrEvent[] {
    const closing = [...this.#open.values()].map((index): IrEvent => ({ type: "close", index }));
    return [...closing, { type: "end", end: toAnthropicEnd(this.#ended), usage }];
  }

  #numberOf(index: unknown): number {
    const number = this.#open.get(index);
    if (number === undefined)
      throw new GatewayError("upstream_invalid", "The provider went on with a block that it had not begun.");
    return number;
  }
}

function start({ id, model, usage }: Fields): IrEvent {
  return {
    type: "start",
    id: typeof id === "string" ? id : "",
    model: typeof model === "string" ? model : "",
    usage: readAnthropicUsage(usage),
  };
}

/** A block may begin with its first text, or with the whole of it. */
function openBlock(index: number, block: Fields): readonly IrEvent[] {
  const { text, thinking, signature, input } = block;
  const opened: IrEvent = { type: "open", index, part: toOpening(block) };
  const first = (of: DeltaKind, given: unknown): readonly IrEvent[] =>
    typeof given === "string" && given !== "" ? [{ type: "delta", index, of, text: given }] : [];
  const args = isFields(input) && Object.keys(input).length > 0 ? JSON.stringify(input) : "";
  return [
    opened,
    ...first("text", text),
    ...first("thinking", thinking),
    ...first("signature", signature),
    ...first("args", args),
  ];
}

function toOpening({ type, id, name, data }: Fields): IrOpening {
  if (type === "text" || type === "thinking") return { kind: type };
  if (type === "redacted_thinking" && typeof data === "string") return { kind: "redacted", data };
  if (type === "tool_use" && typeof id === "string" && typeof name === "string") return { kind: "call", id, name };
  throw cannotShow(`a block of the type ${quote(type)}`);
}

function readDelta(index: number, delta: Fields): readonly IrEvent[] {
  const { type } = delta;
  // Where a text comes from has no place in the other dialects; the text itself is whole without it.
  if (type === "citations_delta") return [];
  const known = deltas.get(type);
  if (known === undefined) throw cannotShow(`a delta of the type ${quote(type)}`);
  const [of, field] = known;
  const text = delta[field];
  return typeof text === "string" && text !== "" ? [{ type: "delta", index, of, text }] : [];
}
