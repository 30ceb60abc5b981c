import type { AbortSignalLike } from "../../core/abort.ts";
import type { GatewayError } from "../../core/errors.ts";
import { notSent } from "./not-sent.ts";

/** One call that waits for room. */
export interface Waiting {
  /** Higher first. */
  readonly priority: number;
  /** Whose it is: those of equal priority take turns by it. */
  readonly flow: string;
  readonly bytes: number;
  readonly signal: AbortSignalLike;
}

export interface LineBounds {
  readonly waiting: number;
  readonly bytes: number;
  /** The longest wait, in milliseconds. */
  readonly ttl: number;
}

export interface WaitingLineOptions {
  /** As they are now; undefined: nothing may wait. */
  bounds(): LineBounds | undefined;
  /** Told how many wait. */
  changed(length: number): void;
}

class Ticket<T> {
  readonly waiting: Waiting;
  readonly give: () => T;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  readonly #leave: (ticket: Ticket<T>, reason: unknown) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(
    waiting: Waiting,
    give: () => T,
    ttlMs: number,
    settle: { readonly resolve: (value: T) => void; readonly reject: (reason: unknown) => void },
    leave: (ticket: Ticket<T>, reason: unknown) => void,
  ) {
    this.waiting = waiting;
    this.give = give;
    this.resolve = settle.resolve;
    this.reject = settle.reject;
    this.#leave = leave;
    this.#timer = setTimeout(() => leave(this, notSent.dropped("rejected-ttl-expired")), ttlMs);
    waiting.signal.addEventListener("abort", this);
  }

  handleEvent(): void {
    this.#leave(this, this.waiting.signal.reason);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.waiting.signal.removeEventListener("abort", this);
  }
}

/** Of one priority: the calls of each flow in their order, and the flows in turn, the next one first. */
type Band<T> = Map<string, Ticket<T>[]>;

/**
 * Calls that wait for room: the highest priority first, within it each flow in turn, within a flow in order. Bounded: when it is full, a call
 * of a higher priority takes the place of one of the lowest, and one of a flow that has few waiting that of the flow that has most.
 */
export class WaitingLine<T> {
  readonly #options: WaitingLineOptions;
  readonly #bands = new Map<number, Band<T>>();
  #length = 0;
  #bytes = 0;

  constructor(options: WaitingLineOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#length;
  }

  /** Resolves with what `give` makes for it in its turn. Rejects when it is turned away, has waited too long or is aborted. */
  wait(waiting: Waiting, give: () => T): Promise<T> {
    const { signal, bytes } = waiting;
    if (signal.aborted) return Promise.reject(signal.reason);
    const bounds = this.#options.bounds();
    if (bounds === undefined || !this.#makeRoom(waiting, bounds))
      return Promise.reject(notSent.dropped("rejected-saturated"));
    return new Promise((resolve, reject) => {
      const ticket = new Ticket<T>(waiting, give, bounds.ttl, { resolve, reject }, (left, reason) => {
        this.#remove(left);
        left.reject(reason);
      });
      const band: Band<T> = this.#bands.get(waiting.priority) ?? new Map<string, Ticket<T>[]>();
      this.#bands.set(waiting.priority, band);
      const flow = band.get(waiting.flow);
      if (flow === undefined) band.set(waiting.flow, [ticket]);
      else flow.push(ticket);
      this.#count(1, bytes);
    });
  }

  /** Lets the next one go. */
  next(): void {
    const priority = Math.max(...this.#bands.keys());
    const [name, flow] = first(this.#bands.get(priority) ?? new Map<string, Ticket<T>[]>()) ?? [];
    const ticket = flow?.[0];
    if (ticket === undefined || name === undefined || flow === undefined) return;
    this.#remove(ticket);
    // It has had its turn.
    const band = this.#bands.get(priority);
    if (band?.delete(name) === true) band.set(name, flow);
    try {
      ticket.resolve(ticket.give());
    } catch (error) {
      ticket.reject(error);
    }
  }

  /** Turns all of them away. */
  close(reason: GatewayError): void {
    for (const band of [...this.#bands.values()])
      for (const flow of [...band.values()])
        for (const ticket of [...flow]) {
          this.#remove(ticket);
          ticket.reject(reason);
        }
  }

  #makeRoom({ bytes, priority, flow }: Waiting, bounds: LineBounds): boolean {
    if (bytes > bounds.bytes) return false;
    while (this.#length >= bounds.waiting || this.#bytes + bytes > bounds.bytes) {
      const lowest = Math.min(...this.#bands.keys());
      const band = this.#bands.get(lowest)!;
      const longest = [...band.values()].reduce((one, other) => (other.length > one.length ? other : one));
      const own = band.get(flow)?.length ?? 0;
      if (priority < lowest || (priority === lowest && longest.length <= own + 1)) return false;
      const victim = longest.at(-1)!;
      this.#remove(victim);
      victim.reject(notSent.dropped(priority > lowest ? "evicted-priority" : "evicted-queue-pressure"));
    }
    return true;
  }

  #remove(ticket: Ticket<T>): void {
    const { priority, flow: name, bytes } = ticket.waiting;
    const band = this.#bands.get(priority);
    const flow = band?.get(name);
    const at = flow?.indexOf(ticket) ?? -1;
    if (band === undefined || flow === undefined || at === -1) return;
    flow.splice(at, 1);
    if (flow.length === 0) band.delete(name);
    if (band.size === 0) this.#bands.delete(priority);
    ticket.release();
    this.#count(-1, -bytes);
  }

  #count(tickets: number, bytes: number): void {
    this.#length += tickets;
    this.#bytes += bytes;
    this.#options.changed(this.#length);
  }
}

function first<K, V>(map: ReadonlyMap<K, V>): readonly [K, V] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
