import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { OperationContext } from "../../core/step.ts";
import { passWhole } from "../../core/whole-answer.ts";
import { locateMember } from "../../http/json-locate.ts";
import type { UpstreamResponse } from "../../http/upstream.ts";
import { toAnswerHeaders } from "./answer-headers.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { isFields } from "../dialects/fields.ts";
import { parseExact } from "../parse-exact.ts";
import { withinStack } from "./within-stack.ts";

/* A list of embeddings at the most a provider takes in one call: 2,048 of 3,072 numbers, about 90 MB as text; 64 MiB as base64 fits. */
const ANSWER_LIMIT_BYTES = 67_108_864;
/* What a token is taken for where a server does not say how many there are. */
const BYTES_PER_TOKEN = 4;

export interface WholeRelayOptions {
  readonly context: OperationContext;
  readonly response: UpstreamResponse;
  readonly clock: Clock;
  /** The provider's wire format, and the caller's. */
  readonly from: Dialect;
  readonly to: Dialect;
  /** Headers beside those the provider's answer gives. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Passes a whole answer on and reads its usage: byte for byte unless a step changed it, or in the caller's dialect where that is another.
 */
export async function relayWhole(options: WholeRelayOptions): Promise<void> {
  const { context, response, from, to } = options;
  if (!isJson(response.headers["content-type"])) {
    response.discard();
    throw new GatewayError("upstream_invalid", "The provider answered with something other than JSON.", {
      cause: new Error(`content-type ${response.headers["content-type"]}`),
    });
  }
  let bytes = await response.bytes(ANSWER_LIMIT_BYTES);
  context.answerTokens = Math.ceil(bytes.length / BYTES_PER_TOKEN);
  if (from !== to) bytes = await translate(bytes, options);
  else if (context.answer === undefined) context.usage = from.readUsage(parseUsage(bytes));
  else {
    const value = parse(bytes.toString());
    if (!isFields(value)) throwNotObject();
    context.usage = from.readUsage(value["usage"]);
    bytes = await passWhole(context, bytes, () => value);
  }
  const headers = toAnswerHeaders("application/json", response.headers);
  for (const name in options.headers) headers[name] = options.headers[name] ?? "";
  context.exchange.reply.send(200, headers, bytes);
}

async function translate(bytes: Buffer, { context, clock, from, to }: WholeRelayOptions): Promise<Buffer> {
  const written = withinStack(
    () => {
      const value = parse(bytes.toString(), parseExact);
      if (!isFields(value)) throwNotObject();
      const answer = from.readAnswer(value);
      context.usage = answer.usage;
      return Buffer.from(JSON.stringify(to.writeAnswer(answer, Math.floor(clock.now() / 1_000))));
    },
    () => new GatewayError("upstream_invalid", "The provider's answer is nested too deeply."),
  );
  return passWhole(context, written, () => JSON.parse(written.toString()) as unknown);
}

function isJson(contentType: string | undefined): boolean {
  return (
    contentType === "application/json" ||
    (contentType !== undefined && /^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i.test(contentType))
  );
}

/**
 * The answer's `usage`, and nothing else of it: nobody here reads the rest, and parsing it is a large part of what a small call
 * costs, and milliseconds of everybody's time for a list of embeddings. Of the rest the brackets are counted: half an answer is none.
 */
function parseUsage(bytes: Buffer): unknown {
  let usage;
  try {
    usage = locateMember(bytes, "usage");
  } catch (cause) {
    throw notJson(cause);
  }
  const { whole, value } = usage;
  // Without a whole object the parser says what is there instead.
  if (!whole) return isFields(parse(bytes.toString())) ? undefined : throwNotObject();
  return value === undefined ? undefined : parse(bytes.toString("utf8", value.start, value.end));
}

function parse(text: string, parser: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parser(text);
  } catch (cause) {
    throw notJson(cause);
  }
}

const notJson = (cause?: unknown) =>
  new GatewayError("upstream_invalid", "The provider's answer is not valid JSON.", { cause });

function throwNotObject(): never {
  throw new GatewayError("upstream_invalid", "The provider's answer is not a JSON object.");
}
