import type { AnswerEvent } from "../../core/step.ts";
import type { DialectName } from "../model-call.ts";
import { isFields } from "./fields.ts";

/* What opens a stream is small; anything larger says something. */
const LONGEST = 4_096;

/** By dialect: whether an event only opens its stream. Until one does more, another model can still give the answer. */
export const preludes: Readonly<Record<DialectName, (data: string) => boolean>> = {
  openai: (data) => {
    const choices = read(data)?.["choices"];
    return Array.isArray(choices) && choices.every(saysNothing);
  },
  anthropic: (data) => {
    const event = read(data);
    const block = event?.["content_block"] ?? event?.["delta"];
    switch (event?.["type"]) {
      case "message_start":
      case "ping":
        return true;
      case "content_block_start":
      case "content_block_delta":
        return isFields(block) && (block["text"] === "" || block["thinking"] === "");
      default:
        return false;
    }
  },
};

/** Whether any of these events, as a caller of the dialect gets them, does more than open the stream: a guard may have emptied them. */
export function saySomething(dialect: DialectName, events: readonly AnswerEvent[]): boolean {
  return events.some(({ bytes }) => bytes.length > LONGEST || !preludes[dialect](bytes.toString()));
}

function read(data: string): Readonly<Record<string, unknown>> | undefined {
  if (data.length > LONGEST) return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/* `{"role": "assistant", "content": ""}`: what is said of the answer before any of it. */
function saysNothing(choice: unknown): boolean {
  if (!isFields(choice) || isSaid(choice["finish_reason"]) || isSaid(choice["text"])) return false;
  const { delta } = choice;
  return !isFields(delta) || Object.entries(delta).every(([name, value]) => name === "role" || !isSaid(value));
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}
