/** Something that remembers, and can do without. */
export interface Forgetful {
  /** Gives its memory back. */
  forget(): void;
}

const MIB = 1_048_576;

/**
 * Bounds what all pools of a process remember of prompts together. Where it is too much, the pool that was called the longest ago forgets all it
 * knows, since its servers are the likeliest to have dropped it too.
 */
export class PrefixMemory {
  readonly #limitBytes: number;
  /* With their bytes, the one used the longest ago first. */
  readonly #parts = new Map<Forgetful, number>();
  #newest: Forgetful | undefined;
  #bytes = 0;

  /** By default 384 MiB: more than one pool takes at the most. */
  constructor(limitBytes = 384 * MIB) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One was used and takes so many bytes now; others may have to forget. */
  use(part: Forgetful, bytes: number): void {
    const known = this.#parts.get(part) ?? 0;
    if (part === this.#newest && bytes === known) return;
    this.#parts.delete(part);
    this.#parts.set(part, bytes);
    this.#newest = part;
    this.#bytes += bytes - known;
    for (const oldest of this.#parts.keys()) {
      if (this.#bytes <= this.#limitBytes || oldest === part) return;
      this.drop(oldest);
      oldest.forget();
    }
  }

  /** It is gone, or has forgotten. */
  drop(part: Forgetful): void {
    this.#bytes -= this.#parts.get(part) ?? 0;
    this.#parts.delete(part);
    if (part === this.#newest) this.#newest = undefined;
  }
}
