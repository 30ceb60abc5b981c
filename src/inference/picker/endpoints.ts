import { Adapters } from "./adapters.ts";
import { hashText } from "./block-chain.ts";

/** What one scrape of a model server's `/metrics` says (inference model server protocol, proposal 003). */
export interface EndpointMetrics {
  /** Requests that wait in the server. */
  readonly queued: number;
  /** Requests in its batch. */
  readonly running: number;
  /** Used share of the KV cache, 0 to 1. */
  readonly kvUsage: number;
  readonly adapters?: {
    readonly running: readonly string[];
    readonly waiting: readonly string[];
    /** How many adapters the server can hold at one time. */
    readonly max: number;
  };
}

export interface EndpointsOptions {
  /** The most endpoints there can be. Default 256. */
  readonly slots?: number;
  /** Age from which scraped metrics say nothing any more, milliseconds. Default 2,000, the field's. */
  readonly staleAfterMs?: number;
}

/** What a broken or lying server says must not turn the sums of all others into NaN. */
const count = (value: number) => (value > 0 && value < Infinity ? value : 0);

/**
 * What a token of context costs while its request is under way, in tokens to prefill. It is read in each step, and one first token waits for one
 * and a half of them (GAIE's constants: 1.5 x 0.535 µs against 67.7 µs, 0.0119); it stays for many more first tokens than this one, and counts
 * eight times. With once, busy endpoints stay busy for as long as they alone hold a prefix; with thirteen times, prompts are computed anew so often
 * that conversations fare worse.
 */
const contextShare = 0.1;
/** How many times the age of staleness the last bad news is still believed. */
const badNewsFor = 10;

/** Room for the first endpoints; most pools have no more, and there may be thousands of pools. */
const firstRoom = 8;

/** The same array with more room behind it. */
function widen<T extends Float64Array | Int32Array | Uint8Array>(larger: T, from: T): T {
  larger.set(from);
  return larger;
}

/**
 * The endpoints of a pool in flat arrays, by slot. The gateway's own counts are exact and have no age; what a scrape tells of the work of
 * others (other replicas, other gateways) is joined to them by taking off what was our own at the moment of the scrape.
 *
 * Old metrics are no good news: an endpoint of which nothing is known is taken to be like the average of those that are known, moved by what is
 * our own there, and for a while to be as bad as it was last. So it is neither preferred nor starved.
 */
export class Endpoints {
  /** How many slots the arrays have room for: they are replaced by longer ones as endpoints come. */
  room = firstRoom;
  /** Address by slot; undefined when the slot is free. */
  readonly addresses: (string | undefined)[] = [];
  /** Hash of the address, for rendezvous. */
  hashes = new Int32Array(firstRoom);
  /** 1 when requests may be sent: known, healthy, not draining. */
  usable = new Uint8Array(firstRoom);
  /** Own requests under way. */
  requests = new Int32Array(firstRoom);
  /** Own prompt tokens that are neither cached nor prefilled yet. */
  tokens = new Float64Array(firstRoom);
  /** Grows when another endpoint takes the slot: what was begun before must not be counted off it. */
  generations = new Int32Array(firstRoom);
  /** Grows when the server in the slot is another one or has started anew: what it held is gone. */
  lives = new Int32Array(firstRoom);
  /** Own prompt tokens of all requests under way. */
  #contexts = new Float64Array(firstRoom);
  #kvUsage = new Float64Array(firstRoom);
  #queued = new Float64Array(firstRoom);
  #running = new Float64Array(firstRoom);
  #ownAtScrape = new Int32Array(firstRoom);
  #scrapedAtMs = new Float64Array(firstRoom).fill(-Infinity);
  readonly #adapters: (Adapters | undefined)[] = [];
  readonly #most: number;
  readonly #staleAfterMs: number;
  /** Averages over the usable endpoints whose metrics are fresh, at the last time one was asked for. */
  readonly #average = { atMs: Number.NaN, change: -1, waiting: 0, queue: 0, load: 0, own: 0, kvUsage: 0 };
  #change = 0;

  constructor({ slots = 256, staleAfterMs = 2_000 }: EndpointsOptions = {}) {
    this.#most = slots;
    this.#staleAfterMs = staleAfterMs;
  }

  /** Adds an endpoint and gives its slot; throws RangeError when all slots are taken. */
  add(address: string): number {
    const free = this.addresses.indexOf(undefined);
    const slot = free === -1 ? this.addresses.length : free;
    if (slot === this.#most) throw new RangeError(`A pool has at most ${this.#most} endpoints.`);
    if (slot === this.room) this.#grow();
    this.addresses[slot] = address;
    this.hashes[slot] = hashText(address);
    this.usable[slot] = 1;
    return slot;
  }

  #grow(): void {
    const room = this.room * 2;
    this.hashes = widen(new Int32Array(room), this.hashes);
    this.usable = widen(new Uint8Array(room), this.usable);
    this.requests = widen(new Int32Array(room), this.requests);
    this.tokens = widen(new Float64Array(room), this.tokens);
    this.generations = widen(new Int32Array(room), this.generations);
    this.lives = widen(new Int32Array(room), this.lives);
    this.#contexts = widen(new Float64Array(room), this.#contexts);
    this.#kvUsage = widen(new Float64Array(room), this.#kvUsage);
    this.#queued = widen(new Float64Array(room), this.#queued);
    this.#running = widen(new Float64Array(room), this.#running);
    this.#ownAtScrape = widen(new Int32Array(room), this.#ownAtScrape);
    this.#scrapedAtMs = widen(new Float64Array(room).fill(-Infinity), this.#scrapedAtMs);
    this.room = room;
  }

  /** Frees a slot. Requests that are still under way there are counted no more, whoever has the slot next. */
  remove(slot: number): void {
    this.generations[slot]! += 1;
    this.addresses[slot] = undefined;
    this.usable[slot] = 0;
    this.requests[slot] = 0;
    this.tokens[slot] = 0;
    this.#contexts[slot] = 0;
    this.restarted(slot);
  }

  /** Forgets what the server itself held and said. */
  restarted(slot: number): void {
    this.#change++;
    this.lives[slot]! += 1;
    this.#kvUsage[slot] = 0;
    this.#queued[slot] = 0;
    this.#running[slot] = 0;
    this.#ownAtScrape[slot] = 0;
    this.#scrapedAtMs[slot] = -Infinity;
    this.#adapters[slot] = undefined;
  }

  /** Takes in a scrape that was answered at `nowMs`. */
  report(slot: number, metrics: EndpointMetrics, nowMs: number): void {
    this.#change++;
    this.#queued[slot] = count(metrics.queued);
    this.#running[slot] = count(metrics.running);
    this.#kvUsage[slot] = Math.min(1, count(metrics.kvUsage));
    this.#ownAtScrape[slot] = this.requests[slot]!;
    this.#scrapedAtMs[slot] = nowMs;
    const { adapters } = metrics;
    if (adapters !== undefined) this.#adaptersOf(slot).report(adapters.running, adapters.waiting, adapters.max);
  }

  fresh(slot: number, nowMs: number): boolean {
    return nowMs - this.#scrapedAtMs[slot]! <= this.#staleAfterMs;
  }

  /** Requests that wait: scraped, moved by what we sent and saw end since. */
  queue(slot: number, nowMs: number): number {
    const known = Math.max(0, this.#queued[slot]! + this.requests[slot]! - this.#ownAtScrape[slot]!);
    if (this.fresh(slot, nowMs)) return known;
    const { queue, own } = this.#averages(nowMs);
    return Math.max(this.#badNews(slot, nowMs) ? known : 0, queue + this.requests[slot]! - own, 0);
  }

  /**
   * Requests that wait for room: none where none did at the last scrape. What was sent since counts in `queue`, so that a burst spreads, but most
   * of it goes into the batch, and is no reason to call a server full.
   */
  waiting(slot: number, nowMs: number): number {
    if (this.fresh(slot, nowMs)) return this.#queued[slot] === 0 ? 0 : this.queue(slot, nowMs);
    const { waiting } = this.#averages(nowMs);
    return this.#queued[slot]! > 0 && this.#badNews(slot, nowMs) ? this.queue(slot, nowMs) : waiting;
  }

  /** Requests under way of everybody. */
  load(slot: number, nowMs: number): number {
    const own = this.requests[slot]!;
    const known = own + Math.max(0, this.#queued[slot]! + this.#running[slot]! - this.#ownAtScrape[slot]!);
    if (this.fresh(slot, nowMs)) return known;
    const average = this.#averages(nowMs);
    return Math.max(this.#badNews(slot, nowMs) ? known : 0, average.load + own - average.own, own);
  }

  /** Used share of the KV cache, 0 to 1. */
  kvUsage(slot: number, nowMs: number): number {
    const known = this.#kvUsage[slot]!;
    if (this.fresh(slot, nowMs)) return known;
    return Math.max(this.#badNews(slot, nowMs) ? known : 0, this.#averages(nowMs).kvUsage);
  }

  #badNews(slot: number, nowMs: number): boolean {
    return nowMs - this.#scrapedAtMs[slot]! <= this.#staleAfterMs * badNewsFor;
  }

  #averages(nowMs: number) {
    const average = this.#average;
    if (average.atMs === nowMs && average.change === this.#change) return average;
    Object.assign(average, { atMs: nowMs, change: this.#change, waiting: 0, queue: 0, load: 0, own: 0, kvUsage: 0 });
    let fresh = 0;
    for (let slot = 0; slot < this.addresses.length; slot++) {
      if (this.usable[slot] === 0 || !this.fresh(slot, nowMs)) continue;
      fresh++;
      average.waiting += this.waiting(slot, nowMs);
      average.queue += this.queue(slot, nowMs);
      average.load += this.load(slot, nowMs);
      average.own += this.requests[slot]!;
      average.kvUsage += this.#kvUsage[slot]!;
    }
    if (fresh === 0) return average;
    average.waiting /= fresh;
    average.queue /= fresh;
    average.load /= fresh;
    average.own /= fresh;
    average.kvUsage /= fresh;
    return average;
  }

  /** The adapters it most likely has loaded. */
  adapters(slot: number): readonly string[] {
    return this.#adapters[slot]?.loaded ?? [];
  }

  /** Whether the endpoint has an adapter: 3 most likely loaded, 2 a slot is free, 1 waiting to be loaded, 0 another must go. */
  adapterState(slot: number, adapter: string): 0 | 1 | 2 | 3 {
    return this.#adapters[slot]?.state(adapter) ?? 2;
  }

  /** Whether the endpoint has an adapter of this name, or waits to load it. */
  hasAdapter(slot: number, adapter: string): boolean {
    return this.#adapters[slot]?.has(adapter) === true;
  }

  #adaptersOf(slot: number): Adapters {
    return (this.#adapters[slot] ??= new Adapters());
  }

  /** How long a first token takes there besides its own prompt, in tokens to prefill: what waits for its prefill, and what decodes beside it. */
  backlogTokens(slot: number): number {
    return this.tokens[slot]! + this.#contexts[slot]! * contextShare;
  }

  /** Counts a request in. */
  begin(slot: number, uncachedTokens: number, promptTokens: number, adapter: string | undefined): void {
    this.#change++;
    this.requests[slot]! += 1;
    this.tokens[slot]! += uncachedTokens;
    this.#contexts[slot]! += promptTokens;
    if (adapter !== undefined) this.#adaptersOf(slot).note(adapter);
  }

  /** The prompt was prefilled: the first token came, or the request ended without one. */
  prefilled(slot: number, uncachedTokens: number): void {
    this.tokens[slot] = Math.max(0, this.tokens[slot]! - uncachedTokens);
  }

  /** Counts a request out. */
  end(slot: number, promptTokens: number): void {
    this.#change++;
    this.#contexts[slot] = Math.max(0, this.#contexts[slot]! - promptTokens);
    this.requests[slot] = Math.max(0, this.requests[slot]! - 1);
  }
}
