import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { OperationContext, Outcome, Recall } from "../../core/step.ts";
import type { Model } from "../catalog.ts";
import { dialects } from "../dialects/registry.ts";
import type { OwnCall } from "../own-call.ts";
import type { CallRequest } from "../relay/send-call.ts";
import type { Partition, StoredAnswer, StoredEntry, StoredQuestion } from "./answer-cache.ts";
import type { Cache } from "./cache.ts";
import { type CacheDemand, readCacheControl } from "./cache-control.ts";
import { type CallKeys, toCallKeys } from "./cache-key.ts";
import type { LookupResult } from "./cache-metrics.ts";
import { bypassed, collapsedHeaders, foundHeaders } from "./cache-status.ts";
import type { EmbedCall } from "../embedders/embedder.ts";
import { partitionOf } from "./partition-of.ts";
import { questionOf } from "./question-of.ts";
import { Recording } from "./recording.ts";
import type { Similar } from "./semantic.ts";
import type { Flight } from "./single-flight.ts";
import { bypassOf } from "./bypass.ts";

/** What the cache has to do with one call. */
export interface CallRecall extends Recall<void> {
  /** Present where the answer may be kept: what is relayed goes through it. */
  readonly recording?: Recording;
}

export interface RecallsOptions {
  readonly cache: Cache;
  readonly clock: Clock;
  /** Names the rules under which the exchange was judged. */
  readonly policyHash: (exchange: Exchange) => string;
  /** What the name of a model stands for. */
  readonly identities: ReadonlyMap<string, string>;
  readonly ownCall: OwnCall;
  /** Gives the caller a stored answer, by the way that one of the model's own would take. */
  readonly replay: (
    context: OperationContext,
    request: CallRequest,
    answer: StoredAnswer,
    headers: Readonly<Record<string, string>>,
  ) => Promise<void>;
}

/* After so many calls that it waited for had failed, a call is sent by itself. */
const MOST_FAILURES = 2;

/** Looks calls up in the cache, lets equal ones wait for each other, and keeps their answers. */
export class Recalls {
  readonly #options: RecallsOptions;

  /* Vectors of one model mean nothing beside those of another that has its name now. */
  readonly #embedderIdentity: string;

  constructor(options: RecallsOptions) {
    this.#options = options;
    const { embedder = "lexical" } = options.cache.config.semantic ?? {};
    this.#embedderIdentity = embedder === "lexical" ? "" : (options.identities.get(embedder.model) ?? "");
  }

  /** Undefined where the cache has nothing to do with the call. */
  async of(context: OperationContext, request: CallRequest, model: Model): Promise<CallRecall | undefined> {
    const { cache, policyHash, identities } = this.#options;
    const { endpoint, call, body, headers } = request;
    const { models } = cache.config;
    const demand = readCacheControl(headers["cache-control"]);
    // A choice is asked for by its own name.
    const isNamed = models === undefined || models.includes(model.name) || models.includes(call.model);
    if (!isNamed || endpoint.kind === "count") {
      if (demand.isStored) throw notStored();
      return undefined;
    }
    const bypass = bypassOf(context, demand, body);
    if (bypass !== undefined) {
      this.#looked(context, "bypass");
      if (demand.isStored) throw notStored();
      context.exchange.reply.setHeader("cache-status", bypassed(bypass));
      return undefined;
    }
    const partition = partitionOf(context.exchange.principal, cache.config.share, {
      model: call.model,
      // A choice may be another model for another question; its identity has all that it may choose, any of which may step in.
      modelIdentity: `${model.name} ${identities.get(call.model) ?? ""}`,
      policyHash: policyHash(context.exchange),
    });
    const question = questionOf(endpoint, body.value);
    const keys = toCallKeys(partition, {
      method: `${endpoint.dialect} ${endpoint.method}`,
      stream: call.stream,
      headers: dialects[endpoint.dialect].passHeaders(headers, {}),
      body: body.value,
      bytes: body.bytes,
      question,
    });
    const lookup: Lookup = {
      context,
      request,
      demand,
      partition,
      keys,
      question: question && { text: question.text, fingerprint: `${keys.fingerprint}${this.#embedderIdentity}` },
      waitMs: Math.min(
        cache.config.wait,
        (call.stream ? model.firstTokenTimeoutMs : model.answerTimeoutMs) ?? Infinity,
      ),
    };
    if (!demand.isFresh) return this.#lookUp(lookup);
    if (demand.isStored) return this.#refuse(lookup);
    const made = lookup.question && (await cache.semantic?.toVector(lookup.question, this.#embedCall(context)));
    return this.#miss(lookup, made);
  }

  #embedCall({ exchange, signal }: OperationContext): EmbedCall {
    return { exchange, signal, ownCall: this.#options.ownCall, identity: this.#embedderIdentity };
  }

  async #lookUp(lookup: Lookup): Promise<CallRecall> {
    const { cache, clock } = this.#options;
    const { context, keys, demand } = lookup;
    const untilMs = clock.monotonic() + lookup.waitMs;
    for (let failures = 0; ;) {
      const waitMs = untilMs - clock.monotonic();
      const stored = cache.answers.get(keys.key, clock.now(), demand.maxAgeMs);
      if (stored !== undefined && mayGive(context, stored)) return this.#hit(lookup, "exact", stored);
      if (demand.isStored) return this.#find(lookup);
      if (waitMs <= 0 || failures > MOST_FAILURES) return this.#find(lookup);
      if (!cache.flights.isUnderWay(keys.key)) return this.#lead(lookup);
      const landing = await cache.flights.follow(keys.key, context.signal, waitMs);
      if (landing?.answer !== undefined && mayGive(context, landing.answer))
        return this.#hit(lookup, "collapsed", landing.answer);
      /* It took too long, or its answer is for its own caller alone: so would that of the next one be. */
      if (landing?.answer !== undefined || landing === undefined || landing.how === "apart") return this.#find(lookup);
      if (landing.how === "failed") failures += 1;
    }
  }

  /** Others wait for what comes of it, so whatever happens it lands. */
  async #lead(lookup: Lookup): Promise<CallRecall> {
    const flight = this.#options.cache.flights.lead(lookup.keys.key);
    try {
      return await this.#find(lookup, flight);
    } catch (error) {
      flight.land({ how: "failed" });
      throw error;
    }
  }

  async #find(lookup: Lookup, flight?: Flight<StoredEntry>): Promise<CallRecall> {
    const { cache, clock } = this.#options;
    const { context, question, demand } = lookup;
    let similar: Similar | undefined;
    if (question !== undefined && cache.semantic !== undefined) {
      similar = await cache.semantic.find(question, this.#embedCall(context), (key) => {
        const entry = cache.answers.get(key, clock.now(), demand.maxAgeMs);
        return entry !== undefined && mayGive(context, entry) ? entry : undefined;
      });
      if (similar.found !== undefined) {
        flight?.land({ answer: similar.found.entry });
        return this.#hit(lookup, "semantic", similar.found.entry, similar.found.score);
      }
    }
    if (demand.isStored) return this.#refuse(lookup);
    return this.#miss(lookup, similar, flight);
  }

  #hit(lookup: Lookup, result: LookupResult, { key, answer }: StoredEntry, score?: number): CallRecall {
    const { cache, clock, replay } = this.#options;
    const { context, request } = lookup;
    this.#looked(context, result);
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

  #miss(lookup: Lookup, similar?: Similar, flight?: Flight<StoredEntry>): CallRecall {
    const { context, request } = lookup;
    this.#looked(context, "miss");
    const { refused, failed } = similar ?? {};
    if (failed !== undefined) note(context, `cache: similar questions were not looked for (${failed})`);
    if (refused !== undefined)
      note(context, `cache: similar, score ${refused.score.toFixed(3)}, and not the same (${refused.because})`);
    const { flushes } = this.#options.cache.answers;
    const recording = new Recording({
      kind: request.endpoint.kind,
      stream: request.call.stream,
      limitBytes: this.#options.cache.config.entry,
    });
    return {
      recording,
      end: (outcome) => {
        let entry: StoredEntry | undefined;
        try {
          entry = outcome.status === "ok" ? this.#keep(lookup, recording, similar?.vector, flushes) : undefined;
        } finally {
          flight?.land(entry === undefined ? { how: howOf(outcome) } : { answer: entry });
        }
      },
    };
  }

  #keep(
    { context, keys, partition, question }: Lookup,
    recording: Recording,
    vector: Float32Array | undefined,
    flushes: number,
  ): StoredEntry | undefined {
    const { cache, clock } = this.#options;
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

  #refuse({ context }: Lookup): never {
    this.#looked(context, "miss");
    throw notStored();
  }

  #looked(context: OperationContext, result: LookupResult): void {
    this.#options.cache.metrics.looked(...namesOf(context), result);
  }
}

/** One call on its way through the cache. */
interface Lookup {
  readonly context: OperationContext;
  readonly request: CallRequest;
  readonly demand: CacheDemand;
  readonly partition: Partition;
  readonly keys: CallKeys;
  readonly question: StoredQuestion | undefined;
  /** How long it may wait for equal calls, all in all. */
  readonly waitMs: number;
}

/* Policy has judged each candidate for this very call: what one that it dropped had said is not for this caller. */
function mayGive({ candidates }: OperationContext, { answer }: StoredEntry): boolean {
  return candidates.some(({ name }) => name === answer.candidate);
}

function howOf({ status }: Outcome): "failed" | "left" | "apart" {
  if (status === "ok" || status === "denied") return "apart";
  return status === "failed" ? "failed" : "left";
}

const namesOf = ({ exchange, operation }: OperationContext): [tenant: string, model: string] => [
  exchange.principal.tenant,
  operation.target.name,
];

function note(context: OperationContext, text: string): void {
  context.notes = [...(context.notes ?? []), text];
}

function notStored(): GatewayError {
  return new GatewayError(
    "not_cached",
    "The cache has no answer to this, and the request asks for nothing else: leave out `cache-control: only-if-cached` to have one made.",
    { headers: { "cache-status": "sallyport; fwd=miss; detail=only-if-cached" } },
  );
}
