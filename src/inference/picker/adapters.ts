/** Adapters taken to fit where the server does not say: SGLang's default. Too many cost a load now and then, too few cost every affinity. */
const unknownMost = 8;
/** No server holds more at one time; one that says so must not make us remember every name. */
const mostRemembered = 1_024;

const none: ReadonlySet<string> = new Set();

/**
 * The LoRA adapters of one server. It tells only of those that run or wait at this moment; those seen or sent last stay loaded until others
 * take their slots, as in the server itself.
 */
export class Adapters {
  readonly #loaded = new Set<string>();
  #waiting = none;
  #most = unknownMost;

  /** What a scrape says: `max` is how many the server holds at one time. */
  report(running: readonly string[], waiting: readonly string[], max: number): void {
    this.#most = max >= 1 ? Math.min(mostRemembered, max) : unknownMost;
    this.#waiting = waiting.length === 0 ? none : new Set(waiting.slice(0, mostRemembered));
    for (const adapter of running.slice(0, mostRemembered)) this.note(adapter);
  }

  /** A request for the adapter was sent or seen there. */
  note(adapter: string): void {
    // The newest stands last: a Set keeps the order of insertion.
    this.#loaded.delete(adapter);
    this.#loaded.add(adapter);
    for (const oldest of this.#loaded) {
      if (this.#loaded.size <= this.#most) return;
      this.#loaded.delete(oldest);
    }
  }

  /** Whether it is most likely loaded, or waits to be. */
  has(adapter: string): boolean {
    return this.#loaded.has(adapter) || this.#waiting.has(adapter);
  }

  /** Those that are most likely loaded, the newest last. */
  get loaded(): readonly string[] {
    return [...this.#loaded];
  }

  /** 3 most likely loaded, 2 a slot is free, 1 waiting to be loaded, 0 another must go. */
  state(adapter: string): 0 | 1 | 2 | 3 {
    if (this.#loaded.has(adapter)) return 3;
    if (this.#loaded.size + this.#waiting.size < this.#most) return 2;
    return this.#waiting.has(adapter) ? 1 : 0;
  }

  clear(): void {
    this.#loaded.clear();
    this.#waiting = none;
    this.#most = unknownMost;
  }
}
