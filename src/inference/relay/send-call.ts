import { GatewayError } from "../../core/errors.ts";
import type { AbortSignalLike } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import type { JsonBody } from "../../core/exchange.ts";
import type { ModelTarget } from "../../core/model-rule.ts";
import type { OperationContext } from "../../core/step.ts";
import type { Upstream, UpstreamResponse } from "../../http/upstream.ts";
import { toUpstreamBody } from "./call-body.ts";
import { noteUnsupported } from "./candidate-failure.ts";
import type { Model } from "../catalog.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { dialects } from "../dialects/registry.ts";
import type { CallKind, Endpoint, ModelCall } from "../model-call.ts";
import { toRefusal } from "./provider-refusal.ts";
import { translateRequest, type Translation } from "./translate-request.ts";
import { toUpstreamRequest } from "./upstream-request.ts";

/** A call as it was made; the same for every model it is sent to. */
export interface CallRequest {
  readonly endpoint: Endpoint;
  readonly call: ModelCall;
  readonly body: JsonBody;
  /** The caller's headers, of which a provider of the same dialect is told some. */
  readonly headers: Readonly<Record<string, string>>;
  /** Finds a model that may answer it, by its name. */
  readonly modelOf: (name: string) => Model | undefined;
  /** Changes what a model server is told in headers; absent: nothing is changed. */
  readonly editHeaders?: ModelTarget["editHeaders"];
}

/** The answer of a model that took the call. */
export interface SentCall {
  readonly response: UpstreamResponse;
  /** The provider's wire format, and the caller's. */
  readonly from: Dialect;
  readonly to: Dialect;
  /** What was asked for and left out; undefined where nothing was translated. */
  readonly dropped: ReadonlySet<string> | undefined;
}

/** Sends one call to a server of one model, whose `urls` are given, in its provider's dialect and with the edits of the context. Rejects with what the provider's refusal means. */
export async function sendCall(
  { upstream, clock }: { readonly upstream: Upstream; readonly clock: Clock },
  { endpoint, call, body, headers, editHeaders }: CallRequest,
  context: OperationContext,
  model: Model,
  urls: ReadonlyMap<CallKind, URL>,
  signal: AbortSignalLike,
): Promise<SentCall> {
  const { exchange } = context;
  const { server } = model;
  const from = dialects[server.dialect];
  const to = dialects[endpoint.dialect];
  const url = urls.get(endpoint.kind);
  if (url === undefined) throw noteUnsupported(cannotTake(endpoint, model));
  const translation = from === to ? undefined : translate(body, context, to, from, model);
  const response = await upstream.request(
    toUpstreamRequest({
      url,
      // What a caller of another dialect says of this one is meant for nobody.
      headers: from === to ? from.passHeaders(headers, server.headers) : server.headers,
      edit: editHeaders && ((written) => editKeepingSecrets(written, editHeaders, server)),
      stream: call.stream,
      body:
        translation?.bytes ??
        toUpstreamBody(body, call, model.upstreamName, context.edits, from.withoutForeign(body.value)),
      trace: exchange.trace,
      signal,
    }),
  );
  context.upstreamStatus = response.status;
  if (response.status !== 200)
    throw await toRefusal(response, { secrets: server.secrets, from, to, clock, requestId: exchange.id });
  return { response, from, to, dropped: translation?.dropped };
}

/* The gateway's own credential is not a route's to change. */
function editKeepingSecrets(
  headers: Record<string, string>,
  edit: NonNullable<CallRequest["editHeaders"]>,
  { headers: own, secrets }: Model["server"],
): void {
  edit(headers);
  for (const [name, value] of Object.entries(own))
    if (secrets.some((secret) => value.includes(secret))) headers[name] = value;
}

function translate(body: JsonBody, { edits }: OperationContext, to: Dialect, from: Dialect, model: Model): Translation {
  try {
    return translateRequest(body, edits, to, from, model);
  } catch (error) {
    throw noteUnsupported(error);
  }
}

function cannotTake({ method }: Endpoint, { name, server }: Model): GatewayError {
  return new GatewayError(
    "invalid_request",
    `The model \`${name}\` does not take ${method}: its provider speaks the ${server.dialect} dialect.`,
    { param: "model" },
  );
}
