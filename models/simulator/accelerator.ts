import { AdapterSlots } from "./adapter-slots.ts";
import { KvCache } from "./kv-cache.ts";

/*
 * Continuous batching with the constants of the Gateway API Inference Extension's simulation (tag v1.4.0, tools/simulations/llm_ig_simulation).
 * It differs from vLLM in this: room for the whole answer is taken when a request begins, so that nothing is ever preempted and computed again.
 */
const prefillMs = (tokens: number) => Math.max(40, 19.69 + 0.0677 * tokens);
const decodeMs = (kvTokens: number, sequences: number) => 14 + 5.35e-4 * kvTokens + 0.1026 * sequences;
/** Uncached prompt tokens that one step takes in (vLLM's max_num_batched_tokens). */
const maxStepTokens = 8_192;
/** Reading an adapter of rank 16 to 64 from a disk; an estimate. */
const adapterLoadMs = 300;

/** Time that may be that of a clock, a faster one, or none at all. */
export interface Time {
  now(): number;
  /** Runs something once that time has come. */
  at(timeMs: number, run: () => void): void;
}

export interface AcceleratorOptions {
  readonly blocks: number;
  readonly blockTokens: number;
  /** Sequences that run at once; more wait. */
  readonly maxSequences: number;
  /** LoRA adapters held at one time. */
  readonly maxAdapters: number;
}

/** One request as the accelerator sees it. */
export interface Work {
  /** Keys of the prompt's whole blocks. */
  readonly prompt: readonly number[];
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly adapter?: string | undefined;
  /** Takes a place in the batch and room in the cache, but none of its time: whoever added it says when it is over. */
  readonly paced?: boolean;
  /** It has a place in the batch. */
  started?(): void;
  firstToken?(): void;
  /** Each further token. */
  nextToken?(): void;
  done?(): void;
}

/** A request in the accelerator. */
export interface Ticket {
  readonly work: Work;
  readonly answerBlocks: number;
  state: "waiting" | "running" | "over";
  /** Decode step with which it is done. */
  lastStep: number;
}

/** One vLLM server without its sockets. */
export class Accelerator {
  readonly cache: KvCache;
  readonly adapters: AdapterSlots;
  /** Prompt tokens that were computed, and that were in the cache. */
  readonly prompts = { computed: 0, cached: 0 };
  readonly #time: Time;
  readonly #options: AcceleratorOptions;
  readonly #waiting: Ticket[] = [];
  readonly #running = new Set<Ticket>();
  /** Those whose tokens are told one by one. */
  readonly #told = new Set<Ticket>();
  readonly #ending = new Map<number, Ticket[]>();
  #paced = 0;
  #kvTokens = 0;
  #step = 0;
  /** When the step under way ends. */
  #dueMs: number | undefined;

  constructor(time: Time, options: AcceleratorOptions) {
    this.#time = time;
    this.#options = options;
    this.cache = new KvCache(options.blocks);
    this.adapters = new AdapterSlots(options.maxAdapters);
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Adapters that requests wait for and none runs with. */
  get waitingAdapters(): readonly string[] {
    const running = new Set(this.adapters.running);
    const waiting = this.#waiting.map(({ work }) => work.adapter);
    return [...new Set(waiting)].filter((adapter) => adapter !== undefined && !running.has(adapter)) as string[];
  }

  add(work: Work): Ticket {
    const answerBlocks = Math.ceil(work.outputTokens / this.#options.blockTokens);
    const ticket: Ticket = { work, answerBlocks, state: "waiting", lastStep: 0 };
    this.#waiting.push(ticket);
    if (this.#dueMs === undefined) this.#next(this.#time.now());
    return ticket;
  }

  /** Takes a request out, at whatever point it is. */
  remove(ticket: Ticket): void {
    if (ticket.state === "waiting") {
      this.#waiting.splice(this.#waiting.indexOf(ticket), 1);
      ticket.state = "over";
    } else if (ticket.state === "running") this.#free(ticket);
    if (this.#dueMs === undefined && this.#waiting.length > 0) this.#next(this.#time.now());
  }

  /** One step: what fits is taken in and prefilled, and everything else decodes one token. */
  #next(startMs: number): void {
    const before = this.#running.size - this.#paced;
    const { admitted, tokens, loads } = this.#admit();
    if (this.#running.size === this.#paced) {
      this.#dueMs = undefined;
      return;
    }
    const prefill = admitted.length === 0 ? 0 : prefillMs(tokens) + loads * adapterLoadMs;
    const decode = before === 0 ? 0 : decodeMs(this.#kvTokens, before);
    const dueMs = startMs + prefill + decode;
    this.#dueMs = dueMs;
    this.#time.at(dueMs, () => {
      for (const { state, work } of admitted) if (state === "running") work.firstToken?.();
      for (const { work } of this.#told) work.nextToken?.();
      this.#step++;
      for (const ticket of admitted)
        if (ticket.state === "running" && ticket.work.nextToken !== undefined) this.#told.add(ticket);
      this.#kvTokens += this.#running.size - this.#paced;
      const ended = this.#ending.get(this.#step) ?? [];
      this.#ending.delete(this.#step);
      for (const ticket of ended) {
        if (ticket.state !== "running") continue;
        this.#free(ticket);
        ticket.work.done?.();
      }
      this.#next(dueMs);
    });
  }

  #admit(): { admitted: Ticket[]; tokens: number; loads: number } {
    const admitted: Ticket[] = [];
    let tokens = 0;
    let loads = 0;
    for (let at = 0; at < this.#waiting.length && this.#running.size < this.#options.maxSequences;) {
      const ticket = this.#waiting[at]!;
      const { work, answerBlocks } = ticket;
      // As in vLLM: one whose adapter has no slot lets the next one pass, one that finds no room in the cache does not.
      if (!this.adapters.fits(work.adapter)) {
        at++;
        continue;
      }
      const cached = Math.min(work.promptTokens - 1, this.cache.held(work.prompt) * this.#options.blockTokens);
      const uncached = work.promptTokens - cached;
      if (admitted.length > 0 && tokens + uncached > maxStepTokens) break;
      if (this.#running.size > 0 && !this.cache.fits(work.prompt, answerBlocks)) break;
      this.#waiting.splice(at, 1);
      if (this.adapters.take(work.adapter)) loads++;
      this.cache.take(work.prompt, answerBlocks);
      this.prompts.computed += uncached;
      this.prompts.cached += cached;
      this.#running.add(ticket);
      ticket.state = "running";
      work.started?.();
      if (work.paced === true) {
        this.#paced++;
        continue;
      }
      tokens += uncached;
      this.#kvTokens += work.promptTokens;
      ticket.lastStep = this.#step + Math.max(1, work.outputTokens);
      const ending = this.#ending.get(ticket.lastStep);
      if (ending === undefined) this.#ending.set(ticket.lastStep, [ticket]);
      else ending.push(ticket);
      admitted.push(ticket);
    }
    return { admitted, tokens, loads };
  }

  #free(ticket: Ticket): void {
    const { work, answerBlocks } = ticket;
    const decoded = work.paced === true ? 0 : Math.max(1, work.outputTokens) - (ticket.lastStep - this.#step);
    if (work.paced === true) this.#paced--;
    else this.#kvTokens -= work.promptTokens + Math.max(0, decoded);
    ticket.state = "over";
    this.#running.delete(ticket);
    this.#told.delete(ticket);
    this.adapters.leave(work.adapter);
    this.cache.leave(work.prompt, answerBlocks);
  }
}
