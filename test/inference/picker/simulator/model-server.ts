import { type BlockChain, blockTokens } from "../../../../src/inference/picker/block-chain.ts";
import type { EndpointMetrics } from "../../../../src/inference/picker/endpoints.ts";
import type { Timeline } from "./timeline.ts";

/* Continuous batching with the constants of GAIE v1.4.0, tools/simulations/llm_ig_simulation (inference.md 2.10). */
const prefillMs = (tokens: number) => Math.max(40, 19.69 + 0.0677 * tokens);
const decodeMs = (kvTokens: number, batch: number) => 14 + 5.35e-4 * kvTokens + 0.1026 * batch;
const maxBatch = 256;
/** Uncached prompt tokens that one prefill takes in (vLLM's max_num_batched_tokens). */
const maxPrefillTokens = 8_192;
/** Reading an adapter of rank 16 to 64 from disk. */
const adapterLoadMs = 300;

export interface ServedRequest {
  readonly chain: BlockChain;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly adapter: string | undefined;
  firstToken(): void;
  done(): void;
}

interface Sequence {
  readonly request: ServedRequest;
  readonly keys: readonly number[];
  readonly outputBlocks: number;
  /** Decode step with which it is done. */
  lastStep: number;
}

export interface ModelServerOptions {
  /** Tokens that the KV cache holds. Default 44,960: 2,810 blocks of 16. */
  readonly kvTokens?: number;
  /** Adapters held at one time. Default 4. */
  readonly maxAdapters?: number;
}

/**
 * One vLLM server. It differs from the real one in this: blocks are of 64 tokens, and room for the whole output is taken at admission, so that
 * nothing is ever preempted and computed again.
 */
export class ModelServer {
  adapterLoads = 0;
  prefilledTokens = 0;
  cachedTokens = 0;
  readonly #timeline: Timeline;
  readonly #blocks: number;
  readonly #maxAdapters: number;
  readonly #waiting: ServedRequest[] = [];
  readonly #running = new Set<Sequence>();
  /** Users of each block that is held; those of nobody are the cache, oldest first. */
  readonly #used = new Map<number, number>();
  readonly #cached = new Set<number>();
  readonly #adapters = new Set<string>();
  #outputBlocks = 0;
  #runningTokens = 0;
  #step = 0;
  #busy = false;

  constructor(timeline: Timeline, { kvTokens = 44_960, maxAdapters = 4 }: ModelServerOptions = {}) {
    this.#timeline = timeline;
    this.#blocks = Math.floor(kvTokens / blockTokens);
    this.#maxAdapters = maxAdapters;
  }

  serve(request: ServedRequest): void {
    this.#waiting.push(request);
    if (!this.#busy) this.#next();
  }

  metrics(): EndpointMetrics {
    const running = new Set<string>();
    for (const { request } of this.#running) if (request.adapter !== undefined) running.add(request.adapter);
    const waiting = new Set<string>();
    for (const { adapter } of this.#waiting) if (adapter !== undefined && !running.has(adapter)) waiting.add(adapter);
    return {
      queued: this.#waiting.length,
      running: this.#running.size,
      kvUsage: (this.#used.size + this.#outputBlocks) / this.#blocks,
      adapters: { running: [...running], waiting: [...waiting], max: this.#maxAdapters },
    };
  }

  /** One step of the engine: it takes in what fits, prefills that and decodes one token of everything else. */
  #next(): void {
    this.#busy = true;
    const admitted: Sequence[] = [];
    let tokens = 0;
    let loads = 0;
    while (this.#waiting.length > 0 && this.#running.size < maxBatch) {
      const request = this.#waiting[0]!;
      const uncached = this.#uncached(request);
      if (admitted.length > 0 && tokens + uncached > maxPrefillTokens) break;
      const fits = this.#fits(request);
      if (!fits || !this.#adapterFits(request.adapter)) break;
      this.#waiting.shift();
      loads += this.#load(request.adapter);
      admitted.push(this.#admit(request));
      tokens += uncached;
      this.prefilledTokens += uncached;
      this.cachedTokens += request.promptTokens - uncached;
    }
    this.adapterLoads += loads;
    if (this.#running.size === 0) {
      this.#busy = false;
      return;
    }
    const decoding = this.#running.size - admitted.length;
    const prefill = admitted.length === 0 ? 0 : prefillMs(tokens) + loads * adapterLoadMs;
    const decode = decoding === 0 ? 0 : decodeMs(this.#runningTokens, decoding);
    this.#timeline.after(prefill + decode, () => {
      for (const { request } of admitted) request.firstToken();
      this.#decoded();
      this.#next();
    });
  }

  #decoded(): void {
    this.#step++;
    this.#runningTokens += this.#running.size;
    for (const sequence of this.#running) if (sequence.lastStep <= this.#step) this.#finish(sequence);
  }

  #keys({ chain }: ServedRequest): number[] {
    // 53 of the 64 bits: a number that a Map can hold.
    return Array.from({ length: chain.length }, (_, at) => (chain.high[at]! >>> 11) * 2 ** 32 + (chain.low[at]! >>> 0));
  }

  #held(request: ServedRequest): number {
    const keys = this.#keys(request);
    const miss = keys.findIndex((key) => !this.#used.has(key) && !this.#cached.has(key));
    return miss === -1 ? keys.length : miss;
  }

  #uncached(request: ServedRequest): number {
    // At least one token is always computed.
    return Math.max(1, request.promptTokens - this.#held(request) * blockTokens);
  }

  #fits(request: ServedRequest): boolean {
    if (this.#running.size === 0) return true;
    const fresh = this.#keys(request).filter((key) => !this.#used.has(key)).length;
    const output = Math.ceil(request.outputTokens / blockTokens);
    return this.#used.size + this.#outputBlocks + fresh + output <= this.#blocks;
  }

  #adapterFits(adapter: string | undefined): boolean {
    if (adapter === undefined || this.#adapters.has(adapter)) return true;
    return this.#adapters.size < this.#maxAdapters || this.#idleAdapter() !== undefined;
  }

  #idleAdapter(): string | undefined {
    const busy = new Set([...this.#running].map(({ request }) => request.adapter));
    return [...this.#adapters].find((held) => !busy.has(held));
  }

  #load(adapter: string | undefined): number {
    if (adapter === undefined) return 0;
    const held = this.#adapters.delete(adapter);
    if (!held && this.#adapters.size >= this.#maxAdapters) this.#adapters.delete(this.#idleAdapter()!);
    this.#adapters.add(adapter);
    return held ? 0 : 1;
  }

  #admit(request: ServedRequest): Sequence {
    const keys = this.#keys(request);
    for (const key of keys) {
      this.#cached.delete(key);
      this.#used.set(key, (this.#used.get(key) ?? 0) + 1);
    }
    const outputBlocks = Math.ceil(request.outputTokens / blockTokens);
    this.#outputBlocks += outputBlocks;
    this.#runningTokens += request.promptTokens;
    this.#evict();
    const sequence: Sequence = { request, keys, outputBlocks, lastStep: this.#step + request.outputTokens };
    this.#running.add(sequence);
    return sequence;
  }

  #finish(sequence: Sequence): void {
    const { request, keys, outputBlocks } = sequence;
    this.#running.delete(sequence);
    this.#outputBlocks -= outputBlocks;
    this.#runningTokens -= request.promptTokens + request.outputTokens;
    // The end first, so that the end is evicted first.
    for (const key of keys.toReversed()) {
      const users = this.#used.get(key)! - 1;
      if (users > 0) {
        this.#used.set(key, users);
        continue;
      }
      this.#used.delete(key);
      this.#cached.add(key);
    }
    this.#evict();
    request.done();
  }

  #evict(): void {
    for (const key of this.#cached) {
      if (this.#used.size + this.#cached.size + this.#outputBlocks <= this.#blocks) return;
      this.#cached.delete(key);
    }
  }
}
