import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { OperationContext, Outcome, Recall } from "../../core/step.ts";
import { tenantOf } from "../../core/tenant.ts";
import type { CallRequest } from "../relay/send-call.ts";
import type { Partition, StoredAnswer, StoredEntry, StoredQuestion } from "./answer-cache.ts";
import type { Cache } from "./cache.ts";
import type { CacheDemand } from "./cache-control.ts";
import type { CallKeys } from "./cache-key.ts";
import type { LookupResult } from "./cache-metrics.ts";
import { collapsedHeaders, foundHeaders } from "./cache-status.ts";
import { Recording } from "./recording.ts";
import type { Similar } from "./semantic.ts";
import type { Flight } from "./single-flight.ts";

/** What the cache has to do with one call. */
export interface CallRecall extends Recall<void> {
  /** Present where the answer may be kept: what is relayed goes through it. */
  readonly recording?: Recording;
}

/** What it takes to give an answer and to keep one. */
export interface RecallDeps {
  readonly cache: Cache;
  readonly clock: Clock;
  /** Gives the caller a stored answer, by the way that one of the model's own would take. */
  readonly replay: (
    context: OperationContext,
    request: CallRequest,
    answer: StoredAnswer,
    headers: Readonly<Record<string, string>>,
  ) => Promise<void>;
}

/** One call on its way through the cache. */
export interface Lookup {
  readonly context: OperationContext;
  readonly request: CallRequest;
  readonly demand: CacheDemand;
  readonly partition: Partition;
  readonly keys: CallKeys;
  readonly question: StoredQuestion | undefined;
  /** How long it may wait for equal calls, all in all. */
  readonly waitMs: number;
}

/** Gives the caller what was found. `score`: how near the question is that it answered. */
export function toHit(
  { cache, clock, replay }: RecallDeps,
  lookup: Lookup,
  result: LookupResult,
  { key, answer }: StoredEntry,
  score?: number,
): CallRecall {
  const { context, request } = lookup;
  noteLookup(cache, context, result);
  const likeness = score === undefined ? "" : `, score ${score.toFixed(3)}`;
  note(context, `cache: ${result} hit${likeness}, key ${key}`);
  return {
    savedNanos: answer.costNanos,
    async answer() {
      context.candidate = context.candidates.find(({ name }) => name === answer.candidate);
      const status =
        result === "collapsed" ? collapsedHeaders : foundHeaders(answer, clock.now(), result === "semantic");
      try {
        await replay(context, request, answer, { ...answer.headers, ...status });
      } finally {
        /* What it says it used was used when it was made. */
        context.usage = undefined;
        context.answerTokens = undefined;
        context.costNanos = 0;
      }
    },
    end({ status }) {
      if (status === "ok") cache.metrics.saved(...namesOf(context), answer);
    },
  };
}

/** Has the call sent, and keeps the answer where it may be kept. `flight`: lands with what comes of it. */
export function toMiss(deps: RecallDeps, lookup: Lookup, similar?: Similar, flight?: Flight<StoredEntry>): CallRecall {
  const { cache } = deps;
  const { context, request } = lookup;
  noteLookup(cache, context, "miss");
  const { refused, failed } = similar ?? {};
  if (failed !== undefined) note(context, `cache: similar questions were not looked for (${failed})`);
  if (refused !== undefined)
    note(context, `cache: similar, score ${refused.score.toFixed(3)}, and not the same (${refused.because})`);
  const { flushes } = cache.answers;
  const recording = new Recording({
    kind: request.endpoint.kind,
    stream: request.call.stream,
    limitBytes: cache.config.entry,
  });
  return {
    recording,
    end: (outcome) => {
      let entry: StoredEntry | undefined;
      try {
        entry = outcome.status === "ok" ? keep(deps, lookup, recording, similar?.vector, flushes) : undefined;
      } finally {
        flight?.land(entry === undefined ? { how: howOf(outcome) } : { answer: entry });
      }
    },
  };
}

function keep(
  { cache, clock }: RecallDeps,
  { context, keys, partition, question }: Lookup,
  recording: Recording,
  vector: Float32Array | undefined,
  flushes: number,
): StoredEntry | undefined {
  const recorded = recording.finish();
  if (recorded === undefined) return undefined;
  const storedAtMs = clock.now();
  const expiresAtMs = storedAtMs + cache.config.ttl;
  const { usage, costNanos } = context;
  const answer = { ...recorded, usage, costNanos, storedAtMs, expiresAtMs };
  const entry = { key: keys.key, partition, answer, question: vector === undefined ? undefined : question };
  /* What was asked before a flush is what the flush was to take away. */
  if (cache.answers.flushes === flushes) cache.keep(entry, vector);
  return entry;
}

/** Refuses a caller who asks for nothing but what is kept, after it was looked for. */
export function refuseUnstored({ cache }: RecallDeps, { context }: Lookup): never {
  noteLookup(cache, context, "miss");
  throw notStored();
}

/** Counts how a call found the cache. */
export function noteLookup(cache: Cache, context: OperationContext, result: LookupResult): void {
  cache.metrics.looked(...namesOf(context), result);
}

function howOf({ status }: Outcome): "failed" | "left" | "apart" {
  if (status === "ok" || status === "denied") return "apart";
  return status === "failed" ? "failed" : "left";
}

const namesOf = ({ exchange, operation, candidates }: OperationContext): [tenant: string, model: string] => [
  tenantOf(exchange),
  candidates[0]?.label ?? operation.target.name,
];

function note(context: OperationContext, text: string): void {
  context.notes = [...(context.notes ?? []), text];
}

/** The error of a caller who asks for nothing but what is kept. */
export function notStored(): GatewayError {
  return new GatewayError(
    "not_cached",
    "The cache has no answer to this, and the request asks for nothing else: leave out `cache-control: only-if-cached` to have one made.",
    { headers: { "cache-status": "sallyport; fwd=miss; detail=only-if-cached" } },
  );
}
