import type { Clock } from "../core/clock.ts";
import type { AbortSignalLike } from "../core/abort.ts";
import type { JsonBody } from "../core/exchange.ts";
import type { OperationContext } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import { withinLimit } from "./answer-limit.ts";
import { carryCall } from "./carry-call.ts";
import { takes, type Model } from "./catalog.ts";
import { countRequest, estimateTokens } from "./demand.ts";
import type { CountTokens } from "./demand.ts";
import { toDroppedHeader } from "./dropped-header.ts";
import { nameModel } from "./fallback.ts";
import type { ModelCall } from "./model-call.ts";
import { relayStream } from "./relay-stream.ts";
import { relayWhole } from "./relay-whole.ts";
import { type CallRequest, sendCall, type SentCall } from "./send-call.ts";

export interface CallRelayOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly keepAliveMs: number;
  readonly countTokens: CountTokens;
}

/** Sends one call to one model and passes the answer on. Nothing is left over for the next model but what `context` holds. */
export function relayCall(
  options: CallRelayOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
): Promise<void> {
  nameModel(context, model);
  const limitMs = request.call.stream ? model.firstTokenTimeoutMs : model.answerTimeoutMs;
  if (limitMs === undefined) return passCall(options, request, context, model, context.signal);
  return withinLimit(context, limitMs, (signal) => passCall(options, request, context, model, signal));
}

const noHeaders = {};

async function passCall(
  options: CallRelayOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
  signal: AbortSignalLike,
): Promise<void> {
  const { endpoint, call, body } = request;
  if (endpoint.kind === "count" && !takes(model, "count"))
    return sendEstimate(context, call, body, options.countTokens);
  const { place } = model;
  if ("pool" in place)
    return carryCall(options, request, context, model, signal, (sent) =>
      passAnswer(options, request, context, model, sent),
    );
  const sent = await sendCall(options, request, context, model, place.urls, signal);
  return await passAnswer(options, request, context, model, sent); // one turn of the promise queue less than handing it out
}

function passAnswer(
  { clock, keepAliveMs }: CallRelayOptions,
  { call, body }: CallRequest,
  context: OperationContext,
  model: Model,
  { response, from, to, dropped }: SentCall,
): Promise<void> {
  const headers = dropped === undefined ? noHeaders : toDroppedHeader(dropped);
  const way = { context, response, clock, from, to, headers };
  if (!call.stream) return relayWhole(way);
  const inputTokens = dropped === undefined ? 0 : estimateTokens(call, body.bytes.length);
  const { wantsUsage } = call;
  const { secrets } = model.server;
  const keepAliveMayOpen = model.firstTokenTimeoutMs === undefined;
  return relayStream({ ...way, wantsUsage, keepAliveMs, keepAliveMayOpen, secrets, inputTokens });
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
