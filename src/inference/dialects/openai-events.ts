import type { Usage } from "../../core/operation.ts";
import { isFields } from "./openai-fields.ts";
import { readUsage } from "./openai-usage.ts";

/** What one event of a stream means to the relay. */
export interface EventMeaning {
  /** `[DONE]`. */
  readonly done?: boolean;
  /** Some choice has a finish reason. */
  readonly ended?: boolean;
  /** The provider reports an error. */
  readonly error?: boolean;
  readonly usage?: Usage;
  /** Carries the usage and nothing else: only for those who asked for it. */
  readonly onlyUsage?: boolean;
  /** Not JSON: the official SDKs would throw a syntax error at it. */
  readonly broken?: boolean;
  /** The parsed value, where it had to be parsed. */
  readonly value?: unknown;
}

const nothing: EventMeaning = {};

/* A key cannot occur inside a string of JSON: its quotes would be escaped. So most events are let through on these three without parsing. */
const remarkable = /"usage"\s*:\s*\{|"finish_reason"\s*:\s*"|"error"\s*:\s*[^\sn]/;

/** Reads the payload of one event. `parse` asks for the value even where the relay itself does not need it. */
export function readEvent(data: string, parse: boolean): EventMeaning {
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
  const usage = readUsage(value["usage"]);
  return {
    value,
    ended: choices?.some(hasEnded) === true,
    error: value["error"] !== undefined && value["error"] !== null,
    ...(usage === undefined ? {} : { usage, onlyUsage: choices?.length === 0 }),
  };
}

function hasEnded(choice: unknown): boolean {
  return isFields(choice) && typeof choice["finish_reason"] === "string";
}
