import type { JsonBody } from "../core/exchange.ts";
import type { JsonEdit } from "../core/json-edit.ts";
import { splice } from "../http/json-splice.ts";
import { isFields } from "./dialects/openai-fields.ts";
import type { ModelCall } from "./model-call.ts";

/**
 * The caller's bytes with the two edits the relay makes: the provider's name for the model, and, in a stream, a request for the
 * usage that metering needs. Everything else stays as it was written; with nothing to edit, the very same buffer.
 */
export function toUpstreamBody(body: JsonBody, call: ModelCall, upstreamName: string): Buffer {
  const edits: JsonEdit[] = [];
  if (upstreamName !== call.model) edits.push({ path: ["model"], json: JSON.stringify(upstreamName) });
  if (call.stream && !call.wantsUsage) edits.push(askForUsage(body.value));
  return edits.length === 0 ? body.bytes : splice(body.bytes, edits);
}

/* The official SDKs write null for an option that is not set; nothing can be added to that. */
function askForUsage(value: unknown): JsonEdit {
  const isNull = isFields(value) && value["stream_options"] === null;
  return isNull
    ? { path: ["stream_options"], json: '{"include_usage":true}' }
    : { path: ["stream_options", "include_usage"], json: "true" };
}
