import type { Clock } from "../../core/clock.ts";
import type { AbortSignalLike } from "../../core/abort.ts";
import type { JsonBody } from "../../core/exchange.ts";
import type { OperationContext } from "../../core/step.ts";
import type { Upstream } from "../../http/upstream.ts";
import { withinLimit } from "./answer-limit.ts";
import type { StoredAnswer } from "../cache/answer-cache.ts";
import type { Recording } from "../cache/recording.ts";
import { toReplayed } from "../cache/replayed.ts";
import { carryCall } from "./carry-call.ts";
import { takes, type Model } from "../catalog.ts";
import { countRequest, estimateTokens } from "../demand.ts";
import type { CountTokens } from "../demand.ts";
import { dialects } from "../dialects/registry.ts";
import { toDroppedHeader } from "./dropped-header.ts";
import { nameModel } from "../fallback.ts";
import type { ModelCall } from "../model-call.ts";
import { relayStream } from "./relay-stream.ts";
import { relayWhole, type WholeRelayOptions } from "./relay-whole.ts";
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
  recording?: Recording,
): Promise<void> {
  nameModel(context, model);
  const limitMs = request.call.stream ? model.firstTokenTimeoutMs : model.answerTimeoutMs;
  if (limitMs === undefined) return passCall(options, request, context, model, context.signal, recording);
  return withinLimit(context, limitMs, (signal) => passCall(options, request, context, model, signal, recording));
}

const noHeaders = {};

async function passCall(
  options: CallRelayOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
  signal: AbortSignalLike,
  recording: Recording | undefined,
): Promise<void> {
  const { endpoint, call, body } = request;
  if (endpoint.kind === "count" && !takes(model, "count"))
    return sendEstimate(context, call, body, options.countTokens);
  const { place } = model;
  if ("pool" in place)
    return carryCall(options, request, context, model, signal, (sent) =>
      passAnswer(options, request, context, model, sent, recording),
    );
  const sent = await sendCall(options, request, context, model, place.urls, signal);
  return await passAnswer(options, request, context, model, sent, recording); // one turn of the promise queue less than handing it out
}

function passAnswer(
  options: CallRelayOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
  { response: given, from, to, dropped }: SentCall,
  recording: Recording | undefined,
): Promise<void> {
  const named = dropped === undefined ? noHeaders : toDroppedHeader(dropped);
  const headers = recording === undefined ? named : { ...named };
  const response = recording?.tap(given, { candidate: model.name, dialect: from.name, headers }) ?? given;
  return pass(options, request, model, { context, response, clock: options.clock, from, to, headers });
}

/** Gives the caller an answer that was kept, as the model that made it would: guarded, translated and at the reader's pace. */
export async function replayCall(
  options: CallRelayOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
  answer: StoredAnswer,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  context.signal.throwIfAborted();
  nameModel(context, model);
  const [from, to] = [dialects[answer.dialect], dialects[request.endpoint.dialect]];
  await pass(options, request, model, {
    context,
    response: toReplayed(answer),
    clock: options.clock,
    from,
    to,
    headers,
  });
}

function pass(
  { keepAliveMs }: CallRelayOptions,
  { call, body }: CallRequest,
  model: Model,
  way: WholeRelayOptions,
): Promise<void> {
  if (!call.stream) return relayWhole(way);
  const inputTokens = way.from === way.to ? 0 : estimateTokens(call, body.bytes.length);
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
