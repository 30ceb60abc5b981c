import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { AbortSignalLike } from "../core/abort.ts";
import type { JsonBody } from "../core/exchange.ts";
import type { OperationContext } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import { withinLimit } from "./answer-limit.ts";
import { toUpstreamBody } from "./call-body.ts";
import { noteUnsupported } from "./candidate-failure.ts";
import type { Model } from "./catalog.ts";
import { countRequest, estimateTokens } from "./demand.ts";
import type { CountTokens } from "./demand.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { dialects } from "./dialects/registry.ts";
import { toDroppedHeader } from "./dropped-header.ts";
import { nameModel } from "./fallback.ts";
import type { Endpoint, ModelCall } from "./model-call.ts";
import { toRefusal } from "./provider-refusal.ts";
import { relayStream } from "./relay-stream.ts";
import { relayWhole } from "./relay-whole.ts";
import { translateRequest, type Translation } from "./translate-request.ts";
import { toUpstreamRequest } from "./upstream-request.ts";

export interface CallRelayOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly keepAliveMs: number;
  readonly countTokens: CountTokens;
}

/** A call as its caller made it; the same for every model it is sent to. */
export interface CallerRequest {
  readonly endpoint: Endpoint;
  readonly call: ModelCall;
  readonly body: JsonBody;
}

/** Sends one call to one model and passes the answer on. Nothing is left over for the next model but what `context` holds. */
export function relayCall(
  options: CallRelayOptions,
  request: CallerRequest,
  context: OperationContext,
  model: Model,
): Promise<void> {
  nameModel(context, model);
  const limitMs = request.call.stream ? model.firstTokenTimeoutMs : model.answerTimeoutMs;
  if (limitMs === undefined) return sendCall(options, request, context, model, context.signal);
  return withinLimit(context, limitMs, (signal) => sendCall(options, request, context, model, signal));
}

const noHeaders = {};

async function sendCall(
  { upstream, clock, keepAliveMs, countTokens }: CallRelayOptions,
  { endpoint, call, body }: CallerRequest,
  context: OperationContext,
  model: Model,
  signal: AbortSignalLike,
): Promise<void> {
  const { exchange } = context;
  const { secrets, headers } = model.server;
  const from = dialects[model.server.dialect];
  const to = dialects[endpoint.dialect];
  const url = model.urls.get(endpoint.kind);
  if (url === undefined) {
    if (endpoint.kind === "count") return sendEstimate(context, call, body, countTokens);
    throw noteUnsupported(cannotTake(endpoint, model));
  }
  const translation = from === to ? undefined : translate(body, context, to, from, model);
  const response = await upstream.request(
    toUpstreamRequest({
      url,
      // What a caller of another dialect says of this one is meant for nobody.
      headers: from === to ? from.passHeaders(exchange.request.headers, headers) : headers,
      stream: call.stream,
      body:
        translation?.bytes ??
        toUpstreamBody(body, call, model.upstreamName, context.edits, from.withoutForeign(body.value)),
      trace: exchange.trace,
      signal,
    }),
  );
  context.upstreamStatus = response.status;
  if (response.status !== 200) throw await toRefusal(response, { secrets, from, to, clock, requestId: exchange.id });
  const way = {
    context,
    response,
    clock,
    from,
    to,
    headers: translation === undefined ? noHeaders : toDroppedHeader(translation.dropped),
  };
  if (!call.stream) return await relayWhole(way); // one turn of the promise queue less than handing it out
  const inputTokens = translation === undefined ? 0 : estimateTokens(call, body.bytes.length);
  const { wantsUsage } = call;
  const keepAliveMayOpen = model.firstTokenTimeoutMs === undefined;
  await relayStream({ ...way, wantsUsage, keepAliveMs, keepAliveMayOpen, secrets, inputTokens });
}

function translate(body: JsonBody, { edits }: OperationContext, to: Dialect, from: Dialect, model: Model): Translation {
  try {
    return translateRequest(body, edits, to, from, model);
  } catch (error) {
    throw noteUnsupported(error);
  }
}

/* The provider does not count: an estimate, which says that it is one, helps more than an error. */
async function sendEstimate(
  { exchange: { reply } }: OperationContext,
  call: ModelCall,
  { bytes }: JsonBody,
  count: CountTokens,
): Promise<void> {
  const tokens = await countRequest(call, bytes, count);
  const headers = { "content-type": "application/json", "x-sallyport-estimate": "input_tokens" };
  reply.send(200, headers, JSON.stringify({ input_tokens: tokens }));
}

function cannotTake({ method }: Endpoint, { name, server }: Model): GatewayError {
  return new GatewayError(
    "invalid_request",
    `The model \`${name}\` does not take ${method}: its provider speaks the ${server.dialect} dialect.`,
    { param: "model" },
  );
}
