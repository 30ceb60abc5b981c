/** A name that is kept. */
export interface Heavy<T> {
  readonly name: string;
  readonly value: T;
  /** What was added under it, and `missed`. */
  weight: number;
  /** At most so much may have been added under it before it was kept. */
  readonly missed: number;
}

/**
 * The heaviest of any number of names, in bounded memory (space-saving, Metwally et al. 2005): a new name takes the place of the lightest and inherits
 * its weight. Whatever has more than a `most`-th of all that was added is among those kept, in whatever order it came.
 */
export class Heaviest<T> {
  readonly #kept = new Map<string, Heavy<T>>();
  readonly #most: number;
  readonly #create: () => T;
  readonly #onDropped: ((dropped: Heavy<T>) => void) | undefined;

  constructor(most: number, create: () => T, onDropped?: (dropped: Heavy<T>) => void) {
    this.#most = most;
    this.#create = create;
    this.#onDropped = onDropped;
  }

  /** In no order. */
  get kept(): Iterable<Heavy<T>> {
    return this.#kept.values();
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Adds some weight under a name; the caller brings the value up to date. */
  add(name: string, weight: number): Heavy<T> {
    let heavy = this.#kept.get(name);
    if (heavy === undefined) {
      const missed = this.#kept.size < this.#most ? 0 : this.#dropLightest();
      heavy = { name, value: this.#create(), weight: missed, missed };
      this.#kept.set(name, heavy);
    }
    heavy.weight += weight;
    return heavy;
  }

  #dropLightest(): number {
    let lightest: Heavy<T> | undefined;
    for (const heavy of this.#kept.values())
      if (lightest === undefined || heavy.weight < lightest.weight) lightest = heavy;
    if (lightest === undefined) return 0;
    this.#kept.delete(lightest.name);
    this.#onDropped?.(lightest);
    return lightest.weight;
  }
}
