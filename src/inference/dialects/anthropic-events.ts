import type { EventMeaning } from "./event-meaning.ts";
import { isFields } from "./fields.ts";

const nothing: EventMeaning = {};

/* A key cannot occur inside a string of JSON: its quotes would be escaped. So deltas, which are most events, pass without parsing. */
const remarkable = /"type"\s*:\s*"(?:message_|error)/;

/** Reads the payload of one event. `parse` asks for the value even where the relay itself does not need it. */
export function readAnthropicEvent(data: string, parse: boolean): EventMeaning {
  if (!data.startsWith("{")) return { broken: true };
  if (!parse && !remarkable.test(data)) return nothing;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { broken: true };
  }
  if (!isFields(value)) return { broken: true };
  switch (value["type"]) {
    case "message_start": {
      const message = value["message"];
      const usage = isFields(message) ? message["usage"] : undefined;
      return isFields(usage) ? { value, usage } : { value };
    }
    case "message_delta": {
      const delta = value["delta"];
      const usage = value["usage"];
      const ended = isFields(delta) && typeof delta["stop_reason"] === "string";
      return isFields(usage) ? { value, ended, usage } : { value, ended };
    }
    case "message_stop":
      return { value, done: true };
    case "error":
      return { value, error: true };
    default:
      return { value };
  }
}
