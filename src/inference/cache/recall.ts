import type { Exchange } from "../../core/exchange.ts";
import type { OperationContext } from "../../core/step.ts";
import type { Model } from "../catalog.ts";
import { dialects } from "../dialects/registry.ts";
import type { EmbedCall } from "../embedders/embedder.ts";
import type { OwnCall } from "../own-call.ts";
import type { CallRequest } from "../relay/send-call.ts";
import type { StoredEntry } from "./answer-cache.ts";
import { bypassOf } from "./bypass.ts";
import { readCacheControl } from "./cache-control.ts";
import { toCallKeys } from "./cache-key.ts";
import { bypassed } from "./cache-status.ts";
import {
  type CallRecall,
  type Lookup,
  noteLookup,
  notStored,
  type RecallDeps,
  refuseUnstored,
  toHit,
  toMiss,
} from "./call-recall.ts";
import { partitionOf } from "./partition-of.ts";
import { questionOf } from "./question-of.ts";
import type { Similar } from "./semantic.ts";
import type { Flight } from "./single-flight.ts";

export interface RecallsOptions extends RecallDeps {
  /** Names the rules under which the exchange was judged. */
  readonly policyHash: (exchange: Exchange) => string;
  /** What the name of a model stands for. */
  readonly identities: ReadonlyMap<string, string>;
  readonly ownCall: OwnCall;
}

/* After so many calls that it waited for had failed, a call is sent by itself. */
const MOST_FAILURES = 2;

/** Looks calls up in the cache, and lets equal ones wait for each other. */
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
    const { endpoint, call, body, headers, editHeaders } = request;
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
      noteLookup(cache, context, "bypass");
      if (demand.isStored) throw notStored();
      context.exchange.reply.setHeader("cache-status", bypassed(bypass));
      return undefined;
    }
    const partition = partitionOf(context.exchange, cache.config.share, {
      model: call.model,
      // A choice may be another model for another question; its identity has all that it may choose, any of which may step in.
      modelIdentity: `${model.name} ${model.asAsked?.identity ?? identities.get(call.model) ?? ""}`,
      policyHash: policyHash(context.exchange),
    });
    const told = dialects[endpoint.dialect].passHeaders(headers, {});
    editHeaders?.(told);
    const question = questionOf(endpoint, body.value);
    const keys = toCallKeys(partition, {
      method: `${endpoint.dialect} ${endpoint.method}`,
      stream: call.stream,
      headers: told,
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
    if (demand.isStored) return refuseUnstored(this.#options, lookup);
    const made = lookup.question && (await cache.semantic?.toVector(lookup.question, this.#embedCall(context)));
    return toMiss(this.#options, lookup, made);
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
      const stored = this.#here(lookup, keys.key);
      if (stored !== undefined) return toHit(this.#options, lookup, "exact", stored);
      if (demand.isStored) return this.#find(lookup);
      if (waitMs <= 0 || failures > MOST_FAILURES) return this.#find(lookup);
      if (!cache.flights.isUnderWay(keys.key)) return this.#lead(lookup);
      const landing = await cache.flights.follow(keys.key, context.signal, waitMs);
      if (landing?.answer !== undefined && mayGive(lookup, landing.answer, clock.now()))
        return toHit(this.#options, lookup, "collapsed", landing.answer);
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
    const { cache } = this.#options;
    const { context, keys, question, demand } = lookup;
    const stored = cache.shared && (await this.#brought(lookup, keys.key));
    if (stored !== undefined) {
      flight?.land({ how: "found" });
      return toHit(this.#options, lookup, "exact", stored);
    }
    let similar: Similar | undefined;
    if (question !== undefined && cache.semantic !== undefined) {
      similar = await cache.semantic.find(
        question,
        this.#embedCall(context),
        (key) => this.#here(lookup, key) ?? (cache.shared?.hasVectors ? this.#brought(lookup, key) : undefined),
      );
      if (similar.found !== undefined) {
        flight?.land({ answer: similar.found.entry });
        return toHit(this.#options, lookup, "semantic", similar.found.entry, similar.found.score);
      }
    }
    if (demand.isStored) return refuseUnstored(this.#options, lookup);
    return toMiss(this.#options, lookup, similar, flight);
  }

  /** What is kept in this process, where it may be given. */
  #here(lookup: Lookup, key: string): StoredEntry | undefined {
    const { cache, clock } = this.#options;
    const entry = cache.answers.get(key, clock.now(), lookup.demand.maxAgeMs);
    return entry !== undefined && mayGive(lookup, entry, clock.now()) ? entry : undefined;
  }

  /** What replicas share, where it may be given. */
  async #brought(lookup: Lookup, key: string): Promise<StoredEntry | undefined> {
    await this.#options.cache.shared?.bring(key, lookup);
    return this.#here(lookup, key);
  }
}

/* Policy has judged each candidate for this very call: what one that it dropped had said is not for this caller. */
function mayGive({ context, demand }: Lookup, { answer }: StoredEntry, nowMs: number): boolean {
  return (
    nowMs - answer.storedAtMs <= demand.maxAgeMs && context.candidates.some(({ name }) => name === answer.candidate)
  );
}
