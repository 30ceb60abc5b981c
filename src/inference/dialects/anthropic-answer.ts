import { GatewayError } from "../../core/errors.ts";
import type { IrAnswer, IrEnd, IrPart } from "../ir.ts";
import { parseExact } from "../parse-exact.ts";
import { readAnthropicUsage, writeAnthropicUsage } from "./anthropic-usage.ts";
import { cannotShow, quote } from "./carry.ts";
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { UNSIGNED } from "./unsigned-thoughts.ts";

/** A whole message of a provider. */
export function readAnthropicAnswer(value: Fields): IrAnswer {
  if (!Array.isArray(value["content"]))
    throw new GatewayError("upstream_invalid", "The provider's answer has no content.");
  return {
    id: textOf(value["id"]),
    model: textOf(value["model"]),
    parts: (value["content"] as readonly unknown[]).map(readBlock),
    end: toAnthropicEnd(value),
    usage: readAnthropicUsage(value["usage"]),
  };
}

function readBlock(value: unknown): IrPart {
  const block = isFields(value) ? value : {};
  switch (block["type"]) {
    case "text":
      return { kind: "text", text: textOf(block["text"]) };
    case "thinking":
      return { kind: "thinking", text: textOf(block["thinking"]), signature: textOf(block["signature"]) };
    case "redacted_thinking":
      return { kind: "redacted", data: textOf(block["data"]) };
    case "tool_use":
      return {
        kind: "call",
        id: textOf(block["id"]),
        name: textOf(block["name"]),
        args: JSON.stringify(block["input"] ?? {}),
      };
    default:
      throw cannotShow(`a block of the type ${quote(block["type"])}`);
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Why a message ended, from what has its `stop_reason`. */
export function toAnthropicEnd({ stop_reason: reason, stop_sequence: sequence }: Fields): IrEnd {
  switch (reason) {
    case "max_tokens":
    case "model_context_window_exceeded":
      return { reason: "length" };
    case "stop_sequence":
      return typeof sequence === "string" ? { reason: "sequence", sequence } : { reason: "sequence" };
    case "tool_use":
      return { reason: "calls" };
    case "refusal":
      return { reason: "refusal" };
    case "pause_turn":
      return { reason: "pause" };
    default:
      return { reason: "stop" };
  }
}

const stopReasons = {
  stop: "end_turn",
  sequence: "stop_sequence",
  length: "max_tokens",
  calls: "tool_use",
  refusal: "refusal",
  pause: "pause_turn",
} as const;

/** `stop_reason` and `stop_sequence` of an ending. */
export function writeAnthropicEnd({ reason, sequence }: IrEnd): object {
  return { stop_reason: stopReasons[reason], stop_sequence: sequence ?? null };
}

/** A whole answer as a message. */
export function writeAnthropicAnswer({ id, model, parts, end, usage }: IrAnswer): object {
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content: parts.flatMap((part) => writeBlock(part, end)),
    container: null,
    ...writeAnthropicEnd(end),
    usage: writeAnthropicUsage(usage ?? {}),
  };
}

function writeBlock(part: IrPart, end: IrEnd): readonly object[] {
  switch (part.kind) {
    case "text":
      return [{ type: "text", text: part.text, citations: null }];
    case "thinking":
      return [{ type: "thinking", thinking: part.text, signature: part.signature || UNSIGNED }];
    case "redacted":
      return [{ type: "redacted_thinking", data: part.data }];
    case "call": {
      const input = part.args.trim() === "" ? {} : parseArgs(part.args);
      if (input !== undefined) return [{ type: "tool_use", id: part.id, name: part.name, input }];
      // Cut off by its limit: half a call is none, and the reason says that something is missing.
      if (end.reason === "length") return [];
      throw new GatewayError(
        "upstream_invalid",
        `The model called ${part.name} with arguments that are not a JSON object.`,
      );
    }
    default:
      return [];
  }
}

function parseArgs(args: string): unknown {
  try {
    const value = parseExact(args);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
