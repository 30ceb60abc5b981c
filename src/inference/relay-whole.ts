import { GatewayError } from "../core/errors.ts";
import type { OperationContext } from "../core/step.ts";
import { rawValue } from "../http/json-splice.ts";
import type { UpstreamResponse } from "../http/upstream.ts";
import { toAnswerHeaders } from "./answer-headers.ts";
import { isFields } from "./dialects/openai-fields.ts";
import { readUsage } from "./dialects/openai-usage.ts";

/* A list of embeddings at the most a provider takes in one call: 2,048 of 3,072 numbers, about 90 MB as text; 64 MiB as base64 fits. */
const ANSWER_LIMIT_BYTES = 67_108_864;
/* Beyond this only the usage is parsed: a megabyte of numbers costs milliseconds of everybody's time. */
const PARSE_LIMIT_BYTES = 262_144;

/** Passes a whole answer on, byte for byte unless a step changed it, and reads its usage. */
export async function relayWhole(context: OperationContext, response: UpstreamResponse): Promise<void> {
  if (!isJson(response.headers["content-type"])) {
    response.discard();
    throw new GatewayError("upstream_invalid", "The provider answered with something other than JSON.", {
      cause: new Error(`content-type ${response.headers["content-type"]}`),
    });
  }
  let bytes = await response.bytes(ANSWER_LIMIT_BYTES);
  if (context.answer === undefined && bytes.length > PARSE_LIMIT_BYTES) {
    context.usage = readUsage(parse(rawValue(bytes, ["usage"]) ?? Buffer.from("null")));
  } else {
    const value = parseAnswer(bytes);
    context.usage = readUsage(value["usage"]);
    if (context.answer !== undefined) ({ bytes } = await context.answer({ value, bytes, last: true }));
  }
  context.exchange.reply.send(200, toAnswerHeaders("application/json", response.headers), bytes);
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i.test(contentType);
}

function parseAnswer(bytes: Buffer): Readonly<Record<string, unknown>> {
  const value = parse(bytes);
  if (isFields(value)) return value;
  throw new GatewayError("upstream_invalid", "The provider's answer is not a JSON object.");
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new GatewayError("upstream_invalid", "The provider's answer is not valid JSON.", { cause });
  }
}
