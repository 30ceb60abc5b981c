import type { AbortSignalLike } from "../../../src/core/abort.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { Exchange } from "../../../src/core/exchange.ts";
import { silentLog } from "../../../src/core/log.ts";
import type { Principal } from "../../../src/core/principal.ts";
import type { OperationContext } from "../../../src/core/step.ts";
import type { UpstreamResponse } from "../../../src/http/upstream.ts";
import { AnswerCache, type StoredAnswer, type StoredEntry } from "../../../src/inference/cache/answer-cache.ts";
import type { Cache } from "../../../src/inference/cache/cache.ts";
import { createCacheMetrics } from "../../../src/inference/cache/cache-metrics.ts";
import type { CacheConfig } from "../../../src/inference/cache/config.ts";
import type { CallRecall } from "../../../src/inference/cache/call-recall.ts";
import { Recalls } from "../../../src/inference/cache/recall.ts";
import { Semantic } from "../../../src/inference/cache/semantic.ts";
import { SingleFlight } from "../../../src/inference/cache/single-flight.ts";
import { createInProcessVectors } from "../../../src/inference/cache/vectors/in-process.ts";
import type { Model } from "../../../src/inference/catalog.ts";
import { endpoints } from "../../../src/inference/dialects/registry.ts";
import type { CallRequest } from "../../../src/inference/relay/send-call.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";

/** Who calls what. */
export interface Caller {
  readonly tenant: string;
  readonly principal: string;
  readonly client?: string;
  readonly scopes?: readonly string[];
  readonly groups?: readonly string[];
  readonly policyHash?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Never aborts when absent. */
  readonly signal?: AbortSignalLike;
}

export interface RecallScene {
  readonly cache: Cache;
  /** One call: what the cache makes of it. */
  recall(caller: Caller): { readonly context: OperationContext; readonly recalled: Promise<CallRecall | undefined> };
  /** What was given in place of a model's answer, oldest first. */
  readonly given: StoredAnswer[];
}

/*
 * A cache whose embedder takes every question for every other, and which no guard holds back: what is not kept apart by partition and
 * fingerprint is given away.
 */
const blind = new Float32Array([1, 0]);

function createBlindCache(config: Partial<CacheConfig>): Cache {
  const all: CacheConfig = {
    ttl: 3_600_000,
    size: 1_000_000_000,
    entry: 1_000_000,
    share: "principal",
    wait: 60_000,
    ...config,
  };
  const semantic = new Semantic({
    embedder: { space: "blind", threshold: 0.5, guards: [], embed: () => blind },
    vectors: createInProcessVectors({ maxEntries: 1_000_000, clock: systemClock }),
    log: silentLog,
    meter: createMetrics().meter,
    namespace: "",
  });
  const answers = new AnswerCache({
    limitBytes: all.size,
    answerLimitBytes: all.entry,
    onRemoved: (entry) => void semantic.remove(entry),
  });
  return {
    config: all,
    answers,
    flights: new SingleFlight<StoredEntry>(),
    semantic,
    metrics: createCacheMetrics(createMetrics().meter),
    keep(entry, vector) {
      if (answers.set(entry, Date.now()) && vector !== undefined) semantic.keep(entry, vector);
    },
    loaded: Promise.resolve(),
    flush: async (which) => answers.flush(which).length,
    shared: undefined,
    report: () => ({
      isShared: false,
      entries: answers.count,
      bytes: answers.sizeBytes,
      limitBytes: all.size,
      ttlMs: all.ttl,
      lines: [],
    }),
    close: () => semantic.close(),
  };
}

/** `cache`: another one than that. */
export function createRecallScene(config: Partial<CacheConfig> = {}, cache = createBlindCache(config)): RecallScene {
  const given: StoredAnswer[] = [];
  let policyHash = "";
  const recalls = new Recalls({
    cache,
    clock: systemClock,
    policyHash: () => policyHash,
    identities: new Map(),
    ownCall: () => Promise.reject(new Error("no embedder of this test asks a model")),
    replay: async (_context, _request, answer) => void given.push(answer),
  });
  return {
    cache,
    given,
    recall(caller) {
      policyHash = caller.policyHash ?? "rules";
      const endpoint = endpoints.get(caller.path)!;
      const { body, headers = {} } = caller;
      const request: CallRequest = {
        endpoint,
        call: endpoint.read(body),
        body: { bytes: noBytes, value: body },
        headers,
        modelOf: () => undefined,
      };
      const context = contextOf(caller, request);
      const { model } = request.call;
      return { context, recalled: recalls.of(context, request, { name: model } as Model) };
    },
  };
}

/* Looked at for numbers that JavaScript does not know, and there are none. */
const noBytes = Buffer.alloc(0);
const never = new AbortController().signal;

function contextOf(caller: Caller, { call }: CallRequest): OperationContext {
  const principal: Principal = {
    id: caller.principal,
    issuer: "test",
    subject: caller.principal,
    client: caller.client ?? "",
    tenant: caller.tenant,
    scopes: caller.scopes ?? [],
    groups: caller.groups ?? [],
    claims: {},
    actors: [],
    credential: "token",
    expiresAtMs: undefined,
    credentialId: undefined,
  };
  return {
    exchange: { principal, reply: { setHeader() {} } } as unknown as Exchange,
    operation: { protocol: "llm", target: { kind: "model", name: call.model, server: "test" } },
    signal: caller.signal ?? never,
    candidates: [{ name: call.model }],
    candidate: undefined,
    edits: [],
    usage: undefined,
    costNanos: undefined,
  } as unknown as OperationContext;
}

/** Lets the model that was asked give this answer, and ends the call. */
export async function answerWith(recalled: CallRecall, bytes: Buffer, asked: Caller["body"]): Promise<void> {
  const stream = asked["stream"] === true;
  const response: UpstreamResponse = {
    status: 200,
    headers: { "content-type": stream ? "text/event-stream" : "application/json" },
    body: (async function* () {
      yield bytes;
    })(),
    bytes: async () => bytes,
    discard() {},
    cancel() {},
  };
  const tapped = recalled.recording?.tap(response, {
    candidate: String(asked["model"]),
    dialect: "openai",
    headers: {},
  });
  if (stream) for await (const _ of tapped?.body ?? []);
  else await tapped?.bytes(1_000_000);
  recalled.end({ status: "ok", durationMs: 1 });
}
