import { tighterMs, withinMs } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Candidate } from "../core/operation.ts";
import type { Operate, OperationContext, ProtocolHandler, Visible, Work } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import { createModelIdentities } from "./cache/model-identity.ts";
import type { CallRecall } from "./cache/call-recall.ts";
import { Recalls, type RecallsOptions } from "./cache/recall.ts";
import { failureOf } from "./relay/candidate-failure.ts";
import { callPathOf, dialectOf, listedName, unknownPath } from "./call-path.ts";
import { createCatalog, toCallOperation, toListedOperation } from "./catalog.ts";
import type { Asked, Model } from "./catalog.ts";
import { createModelFinder, listServed } from "./find-model.ts";
import type { InferenceConfig } from "./config.ts";
import type { CountTokens } from "./demand.ts";
import { endpoints } from "./dialects/registry.ts";
import { planCandidates } from "./fallback.ts";
import type { Endpoint } from "./model-call.ts";
import { createModelList, unknownModel } from "./model-list.ts";
import type { PoolLease, Pools } from "./pool/pools.ts";
import { verbatimOf } from "./relay/provider-refusal.ts";
import { createOwnCall } from "./own-call.ts";
import { relayCall, replayCall } from "./relay/relay-call.ts";
import { createMeaningSource } from "./routing/meaning/meaning.ts";
import type { ModelMemory } from "./routing/model-memory.ts";
import { Route } from "./routing/route.ts";
import { createRoutingMetrics } from "./routing/routing-metrics.ts";
import { createVirtualModels, type VirtualModel } from "./routing/virtual-model.ts";
import { createForm, requestTexts } from "./texts.ts";

const DEFAULT_KEEP_ALIVE_MS = 15_000;

export interface InferenceOptions {
  readonly config: InferenceConfig;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly pools: Pools;
  readonly modelMemory: ModelMemory;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
  /** Silence on a stream after which something is sent to keep the connection alive. Default 15 s. */
  readonly keepAliveMs?: number;
  /** For callers who ask how many tokens a request has of a provider that does not say. */
  readonly countTokens: CountTokens;
  /** Answers that are given again; absent: every call is sent. */
  readonly recall?: Pick<RecallsOptions, "cache" | "policyHash"> | undefined;
}

/** The model relay: every call of a model in every dialect, and `/v1/models`. */
export function createInference(options: InferenceOptions): ProtocolHandler {
  const lease = options.pools.lease(options.config.pools ?? {});
  try {
    return createHandler(options, lease);
  } catch (error) {
    lease.release();
    throw error;
  }
}

function createHandler(options: InferenceOptions, lease: PoolLease): ProtocolHandler {
  const { operate, visible, clock, keepAliveMs = DEFAULT_KEEP_ALIVE_MS } = options;
  const catalog = createCatalog(options.config, lease.pools);
  const relaying = { upstream: options.upstream, clock, keepAliveMs, countTokens: options.countTokens };
  const identities = createModelIdentities(options.config.models, options.config.pools);
  const ownCall = createOwnCall({ operate, catalog, upstream: options.upstream, clock });
  const recalls =
    options.recall &&
    new Recalls({
      ...options.recall,
      clock,
      ownCall,
      identities,
      replay: (context, request, answer, headers) =>
        replayCall(relaying, request, context, request.modelOf(answer.candidate) as Model, answer, headers),
    });
  const virtuals = createVirtualModels(options.config, catalog);
  const routing = {
    memory: options.modelMemory,
    metrics: createRoutingMetrics(options.meter),
    meanings: createMeaningSource({
      config: options.config.routing,
      operate,
      upstream: options.upstream,
      clock,
      log: options.log,
      identities,
    }),
    ownCall,
  };
  const finder = createModelFinder({ config: options.config, catalog, virtuals, pools: lease.pools });
  const asked = new Map<string, Asked>([...catalog, ...virtuals]);
  const sees = (exchange: Exchange, each: Asked) => visible(exchange, toListedOperation(each));
  const isVirtual = (each: Asked): each is VirtualModel => each === virtuals.get(each.name);
  // A choice of which nobody may be asked is as good as none.
  const mayBeSeen = (exchange: Exchange, each: Asked) =>
    sees(exchange, each) &&
    (isVirtual(each) ? [...each.choices.values()] : [each]).some((model) => sees(exchange, model));
  const models = createModelList({
    catalogOf: ({ route, signal }) =>
      route.models === undefined ? asked : listServed(route.models, { finder, asked, pools: lease.pools, signal }),
    operate,
    mayBeSeen,
    createdS: Math.floor(clock.now() / 1_000),
  });

  const limitOf = ({ route: { models: rule }, request }: Exchange): number | undefined =>
    rule && tighterMs(rule.requestMs, clock.now() - request.receivedAtMs, rule.backendMs);

  async function callModel(exchange: Exchange, endpoint: Endpoint): Promise<void> {
    const body = await exchange.body();
    const found = finder.find(exchange.route, endpoint.read(body.value));
    const { call, model, virtual, modelOf, editHeaders } = found;
    const operation = toCallOperation(endpoint, call, model ?? virtual, body.bytes.length);
    const request = { endpoint, call, body, headers: exchange.request.headers, modelOf, editHeaders };
    let recalled: CallRecall | undefined;
    const route = virtual && new Route(routing, virtual, request, operation);
    const relay = (context: OperationContext, to: Candidate) =>
      relayCall(relaying, request, context, modelOf(to.name) as Model, recalled?.recording);

    async function recall(context: OperationContext): Promise<CallRecall | undefined> {
      await route?.settle(context);
      // A model that is not configured was refused by the plan; of a choice it is the one that is asked first.
      const first = model ?? modelOf(context.candidates[0]?.name ?? "");
      if (first === undefined) return undefined;
      recalled = await recalls?.of(context, request, first);
      if (recalled?.answer !== undefined) route?.tell(context);
      return recalled;
    }

    const work: Work<void> = {
      plan(context) {
        if (route !== undefined) return route.plan(context);
        if (model === undefined) throw found.fault ?? unknownModel(call.model);
        return planCandidates(model, endpoint, operation);
      },
      recall: recalls === undefined && route?.asks !== true ? undefined : recall,
      relay: route === undefined ? relay : (context, to) => route.relay(context, to, () => relay(context, to)),
      sees: route?.sees,
      texts: () => requestTexts(endpoint, body.value),
      answers: () => createForm(endpoint),
      failure: failureOf,
    };
    const limitMs = limitOf(exchange);
    try {
      await (limitMs === undefined
        ? operate(exchange, operation, work)
        : withinMs(exchange.signal, limitMs, tooSlow, (signal) => operate(exchange, operation, work, signal)));
    } catch (thrown) {
      // Told in the stream already, as far as anything can still be told.
      if (exchange.reply.started) return exchange.log.debug({ error: thrown }, "a stream ended with an error");
      // Denied for what a list would show of it: then it must look as if it did not exist.
      const named = model ?? virtual;
      const isDenied = thrown instanceof GatewayError && thrown.kind === "denied";
      const hidden = isDenied && named !== undefined && !mayBeSeen(exchange, named);
      throw hidden ? unknownModel(call.model) : thrown;
    }
  }

  function answer(exchange: Exchange): Promise<void> {
    const { method } = exchange.request;
    const path = callPathOf(exchange);
    if (dialectOf(exchange).name === "anthropic") exchange.reply.setHeader("request-id", exchange.id);
    const endpoint = endpoints.get(path);
    if (endpoint !== undefined) {
      requireMethod("POST", method, path);
      return callModel(exchange, endpoint);
    }
    const name = listedName(path);
    if (name === undefined) throw unknownPath(exchange);
    requireMethod("GET", method, path);
    return name === "" ? models.list(exchange) : models.retrieve(exchange, name);
  }

  return {
    begin: () => lease.begin(),
    handle(exchange) {
      // Not async: the promise of a call is handed out as it is.
      try {
        const preflight = exchange.route.models?.preflight?.(exchange.request);
        if (preflight === undefined) return answer(exchange);
        exchange.reply.send(204, preflight);
        return Promise.resolve();
      } catch (error) {
        return Promise.reject(error);
      }
    },
    renderError: (error, exchange) => verbatimOf(error) ?? dialectOf(exchange).renderError(error, exchange.id),
    close: async () => lease.release(),
  };
}

function requireMethod(needed: string, method: string, path: string): void {
  if (method === needed) return;
  throw new GatewayError("method_not_allowed", `${path} takes ${needed}, not ${method}.`, {
    headers: { allow: needed },
  });
}

const tooSlow = () =>
  new GatewayError("upstream_timeout", "The call was not over within the time that its route gives it.");
