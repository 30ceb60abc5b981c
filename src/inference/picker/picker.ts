import { createVariant } from "../../core/extension.ts";
import { emptyChain, hashText } from "./block-chain.ts";
import type { Endpoints } from "./endpoints.ts";
import type { PickExplanation } from "./explanation.ts";
import { filters } from "./filters/registry.ts";
import { choosers } from "./pickers/registry.ts";
import { PickTrace } from "./pick-trace.ts";
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
  /** Present where it was asked for. */
  readonly trace: PickTrace | undefined;
  /** The trace in words, with the addresses of now. */
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

const nothingYet = new Float64Array(0);

class Load implements Picked {
  readonly slot: number;
  readonly address: string;
  readonly trace: PickTrace | undefined;
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
    trace: PickTrace | undefined,
  ) {
    this.slot = slot;
    this.address = endpoints.addresses[slot]!;
    this.trace = trace;
    this.#endpoints = endpoints;
    this.#generation = endpoints.generations[slot]!;
    this.#promptTokens = promptTokens;
    this.#waitingTokens = tokens;
  }

  get explanation(): PickExplanation | undefined {
    return this.trace?.explain(this.address, this.#endpoints.addresses);
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
  const names = {
    filters: sieves.map(({ name }) => name),
    scorers: judges.map(({ name, weight }) => ({ name, weight })),
  };
  const chooser = createVariant(choosers, profile.picker, undefined);
  const replicaHash = hashText(replica);
  let lives = endpoints.lives.slice();
  let scores = nothingYet;
  let totals = nothingYet;
  const nothing: PickRequest = { id: "", chain: emptyChain, promptTokens: 0 };
  const scene: Scene = {
    request: nothing,
    endpoints,
    candidates: emptyChain.low,
    count: 0,
    matched: emptyChain.low,
    nowMs: 0,
  };

  /* Most pools of a large configuration are never called: what a pick works in is made for the first, and again when there are more endpoints. */
  function makeRoom(): void {
    const { room } = endpoints;
    if (scores.length === room) return;
    const current = endpoints.lives.slice();
    current.set(lives);
    lives = current;
    scores = new Float64Array(room);
    totals = new Float64Array(room);
    scene.candidates = new Int32Array(room);
    scene.matched = new Int32Array(room);
  }

  function gather(except: readonly number[] | undefined): void {
    makeRoom();
    scene.count = 0;
    for (let slot = 0; slot < endpoints.addresses.length; slot++) {
      if (lives[slot] !== endpoints.lives[slot]) {
        lives[slot] = endpoints.lives[slot]!;
        prefixes.clear(slot);
      }
      if (endpoints.usable[slot] === 1 && except?.includes(slot) !== true) scene.candidates[scene.count++] = slot;
    }
  }

  function sift(trace: PickTrace | undefined): void {
    for (let at = 0; at < sieves.length; at++) {
      sieves[at]!.sieve.filter(scene);
      trace?.filtered(at, scene);
    }
  }

  function judgeAll(trace: PickTrace | undefined): void {
    totals.fill(0, 0, scene.count);
    for (let at = 0; at < judges.length; at++) {
      const { weight, judge } = judges[at]!;
      judge.score(scene, scores);
      for (let each = 0; each < scene.count; each++) totals[each]! += Math.min(1, Math.max(0, scores[each]!)) * weight;
      trace?.scored(at, scores);
    }
  }

  return {
    pick(request, { nowMs, explain, except }) {
      gather(except);
      if (scene.count === 0) return undefined;
      scene.request = request;
      scene.nowMs = nowMs;
      prefixes.match(request.chain, scene.matched);
      const trace = explain === true ? new PickTrace(scene, names) : undefined;
      sift(trace);
      judgeAll(trace);
      const slot = scene.candidates[chooser.choose(scene, totals, hashText(request.id, replicaHash))]!;
      const tokens = uncachedTokens(scene, slot);
      endpoints.begin(slot, tokens, request.promptTokens, request.adapter);
      prefixes.record(slot, request.chain);
      scene.request = nothing;
      return new Load(endpoints, slot, request, tokens, trace);
    },
  };
}
