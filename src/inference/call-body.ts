import type { JsonBody } from "../core/exchange.ts";
import { locate, splice } from "./json-splice.ts";
import type { Edit } from "./json-splice.ts";
import { isFields } from "./dialects/openai-fields.ts";
import type { ModelCall } from "./model-call.ts";

/**
 * The caller's bytes with the two edits the relay makes: the provider's name for the model, and, in a stream, a request for the
 * usage that metering needs. Everything else stays as it was written; with nothing to edit, the very same buffer.
 */
export function toUpstreamBody(body: JsonBody, call: ModelCall, upstreamName: string): Buffer {
  const edits: Edit[] = [];
  if (upstreamName !== call.model) edits.push(replace(body, ["model"], JSON.stringify(upstreamName)));
  if (call.stream && !call.wantsUsage) edits.push(askForUsage(body));
  return edits.length === 0 ? body.bytes : splice(body.bytes, edits);
}

function askForUsage(body: JsonBody): Edit {
  const options = isFields(body.value) ? body.value["stream_options"] : undefined;
  if (!isFields(options)) {
    const whole = '{"include_usage":true}';
    if (options === null) return replace(body, ["stream_options"], whole);
    return insertFirst(body, [], `"stream_options":${whole}`);
  }
  if ("include_usage" in options) return replace(body, ["stream_options", "include_usage"], "true");
  return insertFirst(body, ["stream_options"], '"include_usage":true');
}

function replace(body: JsonBody, path: readonly string[], text: string): Edit {
  const span = locate(body.bytes, path);
  if (span === undefined) throw new Error(`no ${path.join(".")} in a body that was parsed with one`);
  return { ...span, text };
}

/** A member before all others of an object. */
function insertFirst(body: JsonBody, path: readonly string[], member: string): Edit {
  const span = locate(body.bytes, path);
  if (span === undefined) throw new Error(`no ${path.join(".")} in a body that was parsed with one`);
  const inside = span.start + 1;
  const empty = body.bytes.toString("latin1", inside, span.end - 1).trim() === "";
  return { start: inside, end: inside, text: empty ? member : `${member},` };
}
