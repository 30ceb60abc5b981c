import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Candidate } from "../core/operation.ts";
import type { Operate, OperationContext, ProtocolHandler, Visible } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import { toUpstreamBody } from "./call-body.ts";
import { createCatalog, toCallOperation, toListedOperation } from "./catalog.ts";
import type { Model } from "./catalog.ts";
import type { InferenceConfig } from "./config.ts";
import { openaiEndpoints } from "./dialects/openai-endpoints.ts";
import { renderOpenaiError } from "./dialects/openai-errors.ts";
import type { Endpoint } from "./model-call.ts";
import { createModelList, unknownModel } from "./model-list.ts";
import { toRefusal, verbatimOf } from "./provider-refusal.ts";
import { relayStream } from "./relay-stream.ts";
import { relayWhole } from "./relay-whole.ts";
import { toUpstreamRequest } from "./upstream-request.ts";

const LIST_PATH = "/v1/models";
const DEFAULT_KEEP_ALIVE_MS = 15_000;

export interface InferenceOptions {
  readonly config: InferenceConfig;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  /** Silence on a stream after which a comment keeps the connection alive. Default 15 s. */
  readonly keepAliveMs?: number;
}

/** The model relay: `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings` and `/v1/models` in the OpenAI dialect. */
export function createInference(options: InferenceOptions): ProtocolHandler {
  const { operate, visible, clock, keepAliveMs = DEFAULT_KEEP_ALIVE_MS } = options;
  const catalog = createCatalog(options.config);
  const models = createModelList({ catalog, operate, visible, createdS: Math.floor(clock.now() / 1_000) });

  async function callModel(exchange: Exchange, endpoint: Endpoint): Promise<void> {
    const body = await exchange.body();
    const call = endpoint.read(body.value);
    const model = catalog.get(call.model);
    const operation = toCallOperation(endpoint, call, model);

    async function relay(context: OperationContext, to: Candidate): Promise<void> {
      const { server, upstreamName, urls } = catalog.get(to.name) as Model;
      const response = await options.upstream.request(
        toUpstreamRequest({
          url: urls.get(endpoint) as URL,
          credential: server.headers,
          stream: call.stream,
          body: toUpstreamBody(body, call, upstreamName),
          exchange,
          signal: context.signal,
        }),
      );
      context.upstreamStatus = response.status;
      if (response.status !== 200) throw await toRefusal(response, server.secrets);
      const { wantsUsage } = call;
      if (call.stream)
        await relayStream({ context, response, clock, wantsUsage, keepAliveMs, secrets: server.secrets });
      else await relayWhole(context, response);
    }

    try {
      await operate(exchange, operation, {
        plan() {
          if (model === undefined) throw unknownModel(call.model);
          return [model];
        },
        relay,
      });
    } catch (thrown) {
      // Told in the stream already, as far as anything can still be told.
      if (exchange.reply.started) return exchange.log.debug({ error: thrown }, "a stream ended with an error");
      // Denied for what a list would show of it: then it must look as if it did not exist.
      const hidden =
        thrown instanceof GatewayError &&
        thrown.kind === "denied" &&
        model !== undefined &&
        !visible(exchange, toListedOperation(model));
      throw hidden ? unknownModel(call.model) : thrown;
    }
  }

  function answer(exchange: Exchange): Promise<void> {
    const { method, path } = exchange.request;
    if (path === LIST_PATH || path.startsWith(`${LIST_PATH}/`)) {
      requireMethod("GET", method, path);
      return path === LIST_PATH
        ? models.list(exchange)
        : models.retrieve(exchange, decode(path.slice(LIST_PATH.length + 1)));
    }
    const endpoint = openaiEndpoints.get(path);
    if (endpoint === undefined) {
      throw new GatewayError(
        "method_not_found",
        `Unknown request URL: ${method} ${path}. This gateway serves ${[...openaiEndpoints.keys(), LIST_PATH].join(", ")}.`,
      );
    }
    requireMethod("POST", method, path);
    return callModel(exchange, endpoint);
  }

  return {
    handle(exchange) {
      // Not async: the promise of a call is handed out as it is.
      try {
        return answer(exchange);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    renderError: (error) => verbatimOf(error) ?? renderOpenaiError(error),
    close: async () => {},
  };
}

function requireMethod(needed: string, method: string, path: string): void {
  if (method === needed) return;
  throw new GatewayError("method_not_allowed", `${path} takes ${needed}, not ${method}.`, {
    headers: { allow: needed },
  });
}

/* A model's name may hold a slash or a percent sign; a broken escape is a name that nobody has. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
