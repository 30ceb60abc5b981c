import type { JsonBody } from "../../core/exchange.ts";
import type { JsonEdit } from "../../core/json-edit.ts";
import { splice } from "../../http/json-splice.ts";
import { isFields } from "../dialects/fields.ts";
import type { ModelCall } from "../model-call.ts";

/**
 * The caller's bytes for a provider of the same dialect, with the edits that steps and the relay make: the provider's name for the
 * model, and, in a stream, a request for the usage that metering needs; and without what is `foreign` to it. Everything else stays as it
 * was written; with nothing to edit, the very same buffer.
 */
export function toUpstreamBody(
  body: JsonBody,
  call: ModelCall,
  upstreamName: string,
  edits: readonly JsonEdit[],
  foreign: readonly JsonEdit[],
): Buffer {
  const all = [...edits];
  if (!isFields(body.value) || body.value["model"] !== upstreamName)
    all.push({ path: ["model"], json: JSON.stringify(upstreamName) });
  if (call.stream && !call.wantsUsage) all.push(askForUsage(body.value));
  const bytes = all.length === 0 ? body.bytes : splice(body.bytes, all);
  // For itself: a guard may have changed something in what is taken out.
  return foreign.length === 0 ? bytes : splice(bytes, foreign);
}

/* The official SDKs write null for an option that is not set; nothing can be added to that. */
function askForUsage(value: unknown): JsonEdit {
  const isNull = isFields(value) && value["stream_options"] === null;
  return isNull
    ? { path: ["stream_options"], json: '{"include_usage":true}' }
    : { path: ["stream_options", "include_usage"], json: "true" };
}
