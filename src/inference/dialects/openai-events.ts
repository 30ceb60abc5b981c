import type { EventMeaning } from "./event-meaning.ts";
import { isFields } from "./fields.ts";

const nothing: EventMeaning = {};

/* A key cannot occur inside a string of JSON: its quotes would be escaped. So most events are let through on these three without parsing. */
const remarkable = /"usage"\s*:\s*\{|"finish_reason"\s*:\s*"|"error"\s*:\s*[^\sn]/;

/** Reads the payload of one event. `parse` asks for the value even where the relay itself does not need it. */
export function readOpenaiEvent(data: string, parse: boolean): EventMeaning {
  if (data === "[DONE]") return { done: true };
  if (!data.startsWith("{")) return { broken: true };
  if (!parse && !remarkable.test(data)) return nothing;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { broken: true };
  }
  if (!isFields(value)) return { broken: true };
  const choices = Array.isArray(value["choices"]) ? (value["choices"] as readonly unknown[]) : undefined;
  const usage = value["usage"];
  return {
    value,
    ended: choices?.some(hasEnded) === true,
    error: value["error"] !== undefined && value["error"] !== null,
    ...(isFields(usage) ? { usage, onlyUsage: choices?.length === 0 } : {}),
  };
}

function hasEnded(choice: unknown): boolean {
  return isFields(choice) && typeof choice["finish_reason"] === "string";
}
