import { createVariant } from "../../core/extension.ts";
import { emptyChain, hashText } from "./block-chain.ts";
import type { Endpoints } from "./endpoints.ts";
import type { ExplainedEndpoint, PickExplanation } from "./explanation.ts";
import { filters } from "./filters/registry.ts";
import { choosers } from "./pickers/registry.ts";
import type { PrefixIndex } from "./prefix-index.ts";
import type { Profile } from "./profiles.ts";
import { type PickRequest, type Scene, uncachedTokens } from "./scene.ts";
import { scorers } from "./scorers/registry.ts";

export interface PickerOptions {
  readonly endpoints: Endpoints;
  readonly prefixes: PrefixIndex;
  readonly profile: Profile;
  /** Name of this replica: two replicas must not break a tie the same way. */
  readonly replica: string;
}

/** A request that was sent to an endpoint and is counted there until it ends. */
export interface Picked {
  readonly slot: number;
  readonly address: string;
  readonly explanation: PickExplanation | undefined;
  /** To be called at the first token. */
  prefilled(): void;
  /** To be called once, when the request is over in whatever way; counts only the first time. */
  end(): void;
}

export interface PickOptions {
  /** Monotonic milliseconds, of the clock that scrapes are reported with. */
  readonly nowMs: number;
  readonly explain?: boolean;
  /** Slots not to be picked: those that were tried already. */
  readonly except?: readonly number[];
}

export interface Picker {
  /** Chooses an endpoint and counts the request in, in one go: two picks never see the same counts. Undefined when none is usable. */
  pick(request: PickRequest, options: PickOptions): Picked | undefined;
}

class Load implements Picked {
  readonly slot: number;
  readonly address: string;
  readonly explanation: PickExplanation | undefined;
  readonly #endpoints: Endpoints;
  readonly #generation: number;
  readonly #promptTokens: number;
  #waitingTokens: number;
  #ended = false;

  constructor(
    endpoints: Endpoints,
    slot: number,
    { promptTokens }: PickRequest,
    tokens: number,
    explanation: PickExplanation | undefined,
  ) {
    this.slot = slot;
    this.address = endpoints.addresses[slot]!;
    this.explanation = explanation;
    this.#endpoints = endpoints;
    this.#generation = endpoints.generations[slot]!;
    this.#promptTokens = promptTokens;
    this.#waitingTokens = tokens;
  }

  prefilled(): void {
    if (this.#waitingTokens > 0 && this.#present()) this.#endpoints.prefilled(this.slot, this.#waitingTokens);
    this.#waitingTokens = 0;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.prefilled();
    if (this.#present()) this.#endpoints.end(this.slot, this.#promptTokens);
  }

  // The slot may be another endpoint's by now.
  #present(): boolean {
    return this.#endpoints.generations[this.slot] === this.#generation;
  }
}

export function createPicker({ endpoints, prefixes, profile, replica }: PickerOptions): Picker {
  const sieves = profile.filters.map((config) => ({
    name: config.type,
    sieve: createVariant(filters, config, undefined),
  }));
  const judges = profile.scorers.map((config) => ({
    name: config.type,
    weight: config.weight,
    judge: createVariant(scorers, config, undefined),
  }));
  const chooser = createVariant(choosers, profile.picker, undefined);
  const replicaHash = hashText(replica);
  const lives = endpoints.lives.slice();
  const scores = new Float64Array(endpoints.slots);
  const totals = new Float64Array(endpoints.slots);
  const nothing: PickRequest = { id: "", chain: emptyChain, promptTokens: 0 };
  const scene: Scene = {
    request: nothing,
    endpoints,
    candidates: new Int32Array(endpoints.slots),
    count: 0,
    matched: new Int32Array(endpoints.slots),
    nowMs: 0,
  };

  function gather(except: readonly number[] | undefined): void {
    scene.count = 0;
    for (let slot = 0; slot < endpoints.slots; slot++) {
      if (lives[slot] !== endpoints.lives[slot]) {
        lives[slot] = endpoints.lives[slot]!;
        prefixes.clear(slot);
      }
      if (endpoints.usable[slot] === 1 && except?.includes(slot) !== true) scene.candidates[scene.count++] = slot;
    }
  }

  function explainedEndpoint(slot: number, filteredBy?: string): MutableExplained {
    return {
      address: endpoints.addresses[slot]!,
      ...(filteredBy === undefined ? {} : { filteredBy }),
      scores: {},
      total: 0,
      cachedTokens: scene.matched[slot]!,
      requests: endpoints.requests[slot]!,
    };
  }

  function sift(explained: Map<number, MutableExplained> | undefined): void {
    for (const { name, sieve } of sieves) {
      const before = explained && scene.candidates.slice(0, scene.count);
      sieve.filter(scene);
      if (before === undefined || explained === undefined) continue;
      const kept = new Set(scene.candidates.subarray(0, scene.count));
      for (const slot of before) if (!kept.has(slot)) explained.set(slot, explainedEndpoint(slot, name));
    }
  }

  function judgeAll(explained: Map<number, MutableExplained> | undefined): void {
    totals.fill(0, 0, scene.count);
    for (const { name, weight, judge } of judges) {
      judge.score(scene, scores);
      for (let at = 0; at < scene.count; at++) {
        const score = Math.min(1, Math.max(0, scores[at]!));
        totals[at]! += score * weight;
        if (explained === undefined) continue;
        const slot = scene.candidates[at]!;
        const entry = explained.get(slot) ?? explainedEndpoint(slot);
        entry.scores[name] = { score, weight };
        entry.total = totals[at]!;
        explained.set(slot, entry);
      }
    }
  }

  return {
    pick(request, { nowMs, explain, except }) {
      gather(except);
      if (scene.count === 0) return undefined;
      scene.request = request;
      scene.nowMs = nowMs;
      prefixes.match(request.chain, scene.matched);
      const explained = explain === true ? new Map<number, MutableExplained>() : undefined;
      sift(explained);
      judgeAll(explained);
      const slot = scene.candidates[chooser.choose(scene, totals, hashText(request.id, replicaHash))]!;
      const tokens = uncachedTokens(scene, slot);
      const explanation = explained && { picked: endpoints.addresses[slot]!, endpoints: [...explained.values()] };
      endpoints.begin(slot, tokens, request.promptTokens, request.adapter);
      prefixes.record(slot, request.chain);
      scene.request = nothing;
      return new Load(endpoints, slot, request, tokens, explanation);
    },
  };
}

interface MutableExplained extends ExplainedEndpoint {
  scores: Record<string, { score: number; weight: number }>;
  total: number;
}
