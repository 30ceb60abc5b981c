import { createEventCutter } from "../../http/event-cutter.ts";
import { isFields, type Fields } from "../dialects/fields.ts";
import type { CallKind, DialectName } from "../model-call.ts";

/** What an answer is, as its provider wrote it. */
export interface AnswerShape {
  /** The provider's wire format. */
  readonly dialect: DialectName;
  readonly kind: CallKind;
  readonly stream: boolean;
}

/**
 * Whether an answer may be given again: complete, ended by the model itself, and nothing but what it says. What calls tools would set
 * them off again; what was refused, filtered or cut off may turn out otherwise the next time, and what was found on the web is as old as its search. Never throws: what cannot be read is not.
 */
export function isStorable({ dialect, kind, stream }: AnswerShape, bytes: Buffer): boolean {
  try {
    if (stream) return dialect === "openai" ? isWholeChunks(bytes) : isWholeEvents(bytes);
    const value: unknown = JSON.parse(bytes.toString());
    if (!isFields(value) || isSaid(value["error"]) || isSearched(value)) return false;
    if (kind === "embeddings") return Array.isArray(value["data"]) && value["data"].length > 0;
    return dialect === "openai" ? isCompletion(value) : isMessage(value);
  } catch {
    return false;
  }
}

function isCompletion({ choices }: Fields): boolean {
  return Array.isArray(choices) && choices.length > 0 && choices.every(isFinished);
}

/* A choice of chat has a message, one of completions a text. */
function isFinished(choice: unknown): boolean {
  if (!isFields(choice) || choice["finish_reason"] !== "stop") return false;
  const said = isFields(choice["message"]) ? choice["message"] : choice;
  const text = said["content"] ?? said["text"];
  return typeof text === "string" && text !== "" && saysOnlyText(said);
}

/* `annotations` are citations of pages. */
const others = ["tool_calls", "function_call", "refusal", "audio", "images", "annotations"] as const;
/* What models that search the web by themselves put beside their answer: it is of this moment. */
const searched = ["citations", "search_results"] as const;

const isSearched = (answer: Fields): boolean => searched.some((name) => isSaid(answer[name]));

const saysOnlyText = (said: Fields): boolean => others.every((name) => !isSaid(said[name]));

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

const endings: readonly unknown[] = ["end_turn", "stop_sequence"];
const blocks: readonly unknown[] = ["text", "thinking", "redacted_thinking"];

function isMessage({ content, stop_reason: reason, container }: Fields): boolean {
  return (
    Array.isArray(content) &&
    content.some((block) => isFields(block) && block["type"] === "text" && isSaid(block["text"])) &&
    content.every((block) => isFields(block) && blocks.includes(block["type"])) &&
    endings.includes(reason) &&
    !isSaid(container)
  );
}

/* No relay would have passed on an event of more. */
const EVENT_LIMIT_BYTES = 1_048_576;

function* eventsOf(bytes: Buffer): Iterable<string> {
  const cutter = createEventCutter(EVENT_LIMIT_BYTES);
  for (const cut of [cutter.push(bytes), cutter.flush()])
    for (const { data } of cut?.events ?? []) if (data !== undefined) yield data;
}

function isWholeChunks(bytes: Buffer): boolean {
  const finished = new Map<unknown, boolean>();
  let hasText = false;
  for (const data of eventsOf(bytes)) {
    if (data === "[DONE]") return hasText && [...finished.values()].every(Boolean);
    const chunk: unknown = JSON.parse(data);
    if (!isFields(chunk) || isSaid(chunk["error"]) || isSearched(chunk)) return false;
    for (const choice of Array.isArray(chunk["choices"]) ? (chunk["choices"] as readonly unknown[]) : []) {
      if (!isFields(choice)) return false;
      const { index, finish_reason: reason } = choice;
      const said = isFields(choice["delta"]) ? choice["delta"] : choice;
      if (!saysOnlyText(said) || (isSaid(reason) && reason !== "stop")) return false;
      hasText ||= isSaid(said["content"] ?? said["text"]);
      finished.set(index, finished.get(index) === true || reason === "stop");
    }
  }
  return false;
}

function isWholeEvents(bytes: Buffer): boolean {
  let [hasText, hasEnded] = [false, false];
  for (const data of eventsOf(bytes)) {
    const event: unknown = JSON.parse(data);
    if (!isFields(event)) return false;
    const { type, delta, content_block: block } = event;
    if (type === "message_stop") return hasText && hasEnded;
    if (type === "error") return false;
    if (type === "content_block_start" && !(isFields(block) && blocks.includes(block["type"]))) return false;
    if (type === "content_block_delta") hasText ||= isFields(delta) && isSaid(delta["text"]);
    if (type === "message_delta" && isFields(delta)) {
      if (isSaid(delta["container"])) return false;
      if (isSaid(delta["stop_reason"])) {
        if (!endings.includes(delta["stop_reason"])) return false;
        hasEnded = true;
      }
    }
  }
  return false;
}
