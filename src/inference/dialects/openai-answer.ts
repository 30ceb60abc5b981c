import { GatewayError } from "../../core/errors.ts";
import type { IrAnswer, IrEnd, IrPart } from "../ir.ts";
import { cannotShow } from "./carry.ts";
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { readOpenaiUsage, writeOpenaiUsage } from "./openai-usage.ts";

/** A whole chat completion of a provider; its first choice, for a caller of another dialect can ask for no more. */
export function readOpenaiAnswer(value: Fields): IrAnswer {
  const choice = Array.isArray(value["choices"]) ? (value["choices"][0] as unknown) : undefined;
  const message = isFields(choice) ? choice["message"] : undefined;
  if (!isFields(choice) || !isFields(message))
    throw new GatewayError("upstream_invalid", "The provider's answer has no choice with a message.");
  const parts: IrPart[] = [];
  const thought = message["reasoning_content"] ?? message["reasoning"];
  if (typeof thought === "string" && thought !== "") parts.push({ kind: "thinking", text: thought, signature: "" });
  const { content, refusal } = message;
  if (typeof content === "string" && content !== "") parts.push({ kind: "text", text: content });
  const refuses = typeof refusal === "string" && refusal !== "";
  if (refuses) parts.push({ kind: "text", text: refusal });
  const calls = Array.isArray(message["tool_calls"]) ? (message["tool_calls"] as readonly unknown[]) : [];
  parts.push(...calls.map(readCall));
  return {
    id: textOf(value["id"]),
    model: textOf(value["model"]),
    parts,
    end: toOpenaiEnd(choice, calls.length > 0, refuses),
    usage: readOpenaiUsage(value["usage"]),
  };
}

function readCall(value: unknown): IrPart {
  const called = isFields(value) ? value["function"] : undefined;
  if (!isFields(value) || !isFields(called) || typeof called["name"] !== "string")
    throw cannotShow("a call of something that is no function");
  return { kind: "call", id: textOf(value["id"]), name: called["name"], args: textOf(called["arguments"]) };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Why a choice ended. Servers that say `stop` of an answer that calls tools mean the calls; some name the stop sequence in `stop_reason`. */
export function toOpenaiEnd(choice: Fields, calls: boolean, refuses: boolean): IrEnd {
  switch (choice["finish_reason"]) {
    case "length":
      return { reason: "length" };
    case "content_filter":
      return { reason: "refusal" };
    case "tool_calls":
    case "function_call":
      return { reason: "calls" };
    default: {
      if (calls) return { reason: "calls" };
      if (refuses) return { reason: "refusal" };
      const sequence = choice["stop_reason"];
      return typeof sequence === "string" ? { reason: "sequence", sequence } : { reason: "stop" };
    }
  }
}

/** `finish_reason` of an ending. */
export function fromEnd({ reason }: IrEnd): string {
  switch (reason) {
    case "length":
      return "length";
    case "calls":
      return "tool_calls";
    case "refusal":
      return "content_filter";
    default:
      return "stop";
  }
}

/**
 * A whole answer as a chat completion. What a model thought is in `reasoning_content`, for reading, and in `thinking_blocks`, for giving
 * it back in the next request, as providers that sign it want.
 */
export function writeOpenaiAnswer({ id, model, parts, end, usage }: IrAnswer, createdS: number): object {
  const text = parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("");
  const thoughts = parts.flatMap((part) => (part.kind === "thinking" ? [part.text] : [])).join("");
  const blocks = parts.flatMap(writeThinking);
  const calls = parts.filter((part) => part.kind === "call");
  const message = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: null,
    ...(thoughts === "" ? {} : { reasoning_content: thoughts }),
    ...(blocks.length === 0 ? {} : { thinking_blocks: blocks }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: call.args },
          })),
        }),
  };
  return {
    id,
    object: "chat.completion",
    created: createdS,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: fromEnd(end) }],
    ...(usage === undefined ? {} : { usage: writeOpenaiUsage(usage) }),
  };
}

/** An element of `thinking_blocks`. */
export function writeThinking(part: IrPart): readonly object[] {
  if (part.kind === "thinking") return [{ type: "thinking", thinking: part.text, signature: part.signature }];
  return part.kind === "redacted" ? [{ type: "redacted_thinking", data: part.data }] : [];
}
