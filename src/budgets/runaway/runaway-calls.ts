import type { Operation } from "../../core/operation.ts";
import { fingerprintOf } from "./runaway-fingerprint.ts";

/** What of an operation counts when it is compared with others; undefined: it is not compared. */
export interface Comparable {
  readonly arguments: unknown;
  /** Whether an equal call after a pause is an honest poll: what only reads, or may be repeated, by its server's own word. */
  readonly pollable: boolean;
  /** Messages to a model, whose last one may be nearly that of an earlier call. */
  readonly messages: readonly unknown[] | undefined;
}

/* What writes an answer; vectors and counts of the same text are asked for again in all honesty. */
const writing = new Set(["chat.completions", "completions", "messages"]);
const handing = new Set(["SendMessage", "SendStreamingMessage"]);

export function comparableOf({ protocol, method, variables }: Operation): Comparable | undefined {
  const { mcp, a2a, llm } = variables;
  if (protocol === "llm") {
    if (llm === undefined || llm.messages.length === 0 || !writing.has(method)) return undefined;
    return { arguments: llm.messages, pollable: false, messages: llm.messages };
  }
  if (protocol === "a2a") {
    /* Asking after a task is what a client is meant to do again and again. */
    if (a2a === undefined || !handing.has(method)) return undefined;
    return { arguments: a2a.message.parts, pollable: false, messages: undefined };
  }
  if (mcp === undefined) return undefined;
  if (method === "tools/call") {
    const { arguments: given, annotations } = mcp.tool;
    return { arguments: given, pollable: isRepeatable(annotations), messages: undefined };
  }
  if (method === "prompts/get") return { arguments: mcp.prompt.arguments, pollable: true, messages: undefined };
  /* The URI is the target's name. */
  return method === "resources/read" ? { arguments: undefined, pollable: true, messages: undefined } : undefined;
}

function isRepeatable(annotations: unknown): boolean {
  if (!isObject(annotations)) return false;
  return annotations["readOnlyHint"] === true || annotations["idempotentHint"] === true;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The text of the last message, whichever dialect it is in. */
export function lastText(messages: readonly unknown[]): string {
  const last = messages.at(-1);
  if (typeof last === "string") return last;
  return isObject(last) ? textOf(last["content"]) : "";
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  let text = "";
  for (const block of content) {
    if (!isObject(block)) continue;
    const piece = typeof block["text"] === "string" ? block["text"] : textOf(block["content"]);
    text = text === "" ? piece : `${text}\n${piece}`;
  }
  return text;
}

/* Results of several calls may stand between the last message and the step they belong to. */
const FARTHEST = 16;

/** What the model last decided to do: 0 where it called nothing. The same prompt after another step is progress. */
export function lastAct(messages: readonly unknown[]): number {
  for (let at = messages.length - 1; at >= Math.max(0, messages.length - FARTHEST); at--) {
    const message = messages[at];
    if (!isObject(message) || message["role"] !== "assistant") continue;
    const { tool_calls: calls, content } = message;
    if (Array.isArray(calls))
      return fingerprintOf(calls.map((call: unknown) => (isObject(call) ? call["function"] : null)));
    if (!Array.isArray(content)) return 0;
    const used = content.filter((block: unknown) => isObject(block) && block["type"] === "tool_use");
    return used.length === 0
      ? 0
      : fingerprintOf(used.map((block: Readonly<Record<string, unknown>>) => [block["name"], block["input"]]));
  }
  return 0;
}
