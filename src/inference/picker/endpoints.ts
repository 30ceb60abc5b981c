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
  /** How many endpoints there can be. Default 256. */
  readonly slots?: number;
  /** Age from which scraped metrics say nothing any more, milliseconds. Default 2,000, the field's. */
  readonly staleAfterMs?: number;
}

/** What a broken or lying server says must not turn the sums of all others into NaN. */
const count = (value: number) => (value > 0 && value < Infinity ? value : 0);

const noAdapters: ReadonlySet<string> = new Set();

/**
 * The endpoints of a pool in flat arrays, by slot. The gateway's own counts are exact and have no age; what a scrape tells of the work of
 * others (other replicas, other gateways) is joined to them by taking off what was our own at the moment of the scrape.
 */
export class Endpoints {
  readonly slots: number;
  /** Address by slot; undefined when the slot is free. */
  readonly addresses: (string | undefined)[];
  /** Hash of the address, for rendezvous. */
  readonly hashes: Int32Array;
  /** 1 when requests may be sent: known, healthy, not draining. */
  readonly usable: Uint8Array;
  /** Own requests under way. */
  readonly requests: Int32Array;
  /** Own prompt tokens that are neither cached nor prefilled yet. */
  readonly tokens: Float64Array;
  readonly kvUsage: Float64Array;
  readonly #queued: Float64Array;
  readonly #running: Float64Array;
  readonly #ownAtScrape: Int32Array;
  readonly #scrapedAtMs: Float64Array;
  readonly #adapters: Set<string>[];
  readonly #waitingAdapters: ReadonlySet<string>[];
  readonly #maxAdapters: Int32Array;
  readonly #staleAfterMs: number;

  constructor({ slots = 256, staleAfterMs = 2_000 }: EndpointsOptions = {}) {
    this.slots = slots;
    this.#staleAfterMs = staleAfterMs;
    this.addresses = Array.from({ length: slots }, () => undefined);
    this.hashes = new Int32Array(slots);
    this.usable = new Uint8Array(slots);
    this.requests = new Int32Array(slots);
    this.tokens = new Float64Array(slots);
    this.kvUsage = new Float64Array(slots);
    this.#queued = new Float64Array(slots);
    this.#running = new Float64Array(slots);
    this.#ownAtScrape = new Int32Array(slots);
    this.#scrapedAtMs = new Float64Array(slots).fill(-Infinity);
    this.#adapters = Array.from({ length: slots }, () => new Set<string>());
    this.#waitingAdapters = Array.from({ length: slots }, () => noAdapters);
    this.#maxAdapters = new Int32Array(slots);
  }

  /** Adds an endpoint and gives its slot; throws RangeError when all slots are taken. */
  add(address: string): number {
    const slot = this.addresses.indexOf(undefined);
    if (slot === -1) throw new RangeError(`A pool has at most ${this.slots} endpoints.`);
    this.addresses[slot] = address;
    this.hashes[slot] = hashText(address);
    this.usable[slot] = 1;
    return slot;
  }

  /** Frees a slot. Requests that are still under way there must have ended: they would be counted off the next one. */
  remove(slot: number): void {
    this.addresses[slot] = undefined;
    this.usable[slot] = 0;
    this.requests[slot] = 0;
    this.tokens[slot] = 0;
    this.restarted(slot);
  }

  /** Forgets what the server itself held and said. */
  restarted(slot: number): void {
    this.kvUsage[slot] = 0;
    this.#queued[slot] = 0;
    this.#running[slot] = 0;
    this.#ownAtScrape[slot] = 0;
    this.#scrapedAtMs[slot] = -Infinity;
    this.#adapters[slot]!.clear();
    this.#waitingAdapters[slot] = noAdapters;
    this.#maxAdapters[slot] = 0;
  }

  /** Takes in a scrape that was answered at `nowMs`. */
  report(slot: number, metrics: EndpointMetrics, nowMs: number): void {
    this.#queued[slot] = count(metrics.queued);
    this.#running[slot] = count(metrics.running);
    this.kvUsage[slot] = Math.min(1, count(metrics.kvUsage));
    this.#ownAtScrape[slot] = this.requests[slot]!;
    this.#scrapedAtMs[slot] = nowMs;
    if (metrics.adapters === undefined) return;
    this.#maxAdapters[slot] = metrics.adapters.max;
    this.#waitingAdapters[slot] =
      metrics.adapters.waiting.length === 0 ? noAdapters : new Set(metrics.adapters.waiting);
    for (const adapter of metrics.adapters.running) this.#noteAdapter(slot, adapter);
  }

  fresh(slot: number, nowMs: number): boolean {
    return nowMs - this.#scrapedAtMs[slot]! <= this.#staleAfterMs;
  }

  /** Requests that wait: scraped, moved by what we sent and saw end since. Stale: none known. */
  queue(slot: number, nowMs: number): number {
    if (!this.fresh(slot, nowMs)) return 0;
    return Math.max(0, this.#queued[slot]! + this.requests[slot]! - this.#ownAtScrape[slot]!);
  }

  /** Requests under way of everybody. */
  load(slot: number, nowMs: number): number {
    const own = this.requests[slot]!;
    if (!this.fresh(slot, nowMs)) return own;
    return own + Math.max(0, this.#queued[slot]! + this.#running[slot]! - this.#ownAtScrape[slot]!);
  }

  /**
   * Whether the endpoint has an adapter: 3 most likely loaded, 2 a slot is free, 1 waiting to be loaded, 0 another must go. A server
   * tells only of adapters that run at this moment; those we sent last stay loaded until others take their slots.
   */
  adapterState(slot: number, adapter: string): 0 | 1 | 2 | 3 {
    const loaded = this.#adapters[slot]!;
    if (loaded.has(adapter)) return 3;
    if (loaded.size + this.#waitingAdapters[slot]!.size < this.#maxAdapters[slot]!) return 2;
    return this.#waitingAdapters[slot]!.has(adapter) ? 1 : 0;
  }

  /** Counts a request in. */
  begin(slot: number, uncachedTokens: number, adapter: string | undefined): void {
    this.requests[slot]! += 1;
    this.tokens[slot]! += uncachedTokens;
    if (adapter !== undefined) this.#noteAdapter(slot, adapter);
  }

  /** The prompt was prefilled: the first token came, or the request ended without one. */
  prefilled(slot: number, uncachedTokens: number): void {
    this.tokens[slot] = Math.max(0, this.tokens[slot]! - uncachedTokens);
  }

  /** Counts a request out. */
  end(slot: number): void {
    this.requests[slot] = Math.max(0, this.requests[slot]! - 1);
  }

  #noteAdapter(slot: number, adapter: string): void {
    const loaded = this.#adapters[slot]!;
    // The newest stands last: a Set keeps the order of insertion.
    loaded.delete(adapter);
    loaded.add(adapter);
    const most = this.#maxAdapters[slot]! || 1;
    for (const oldest of loaded) {
      if (loaded.size <= most) return;
      loaded.delete(oldest);
    }
  }
}
