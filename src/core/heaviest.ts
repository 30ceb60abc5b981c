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
  /** In no order. */
  readonly kept: Heavy<T>[] = [];
  readonly #byName = new Map<string, Heavy<T>>();
  readonly #most: number;
  readonly #create: () => T;
  readonly #onDropped: ((dropped: Heavy<T>) => void) | undefined;
  /* Weights only grow: none is below the one that was dropped last, and the search for the next goes on where it ended. */
  #least = 0;
  #place = 0;

  constructor(most: number, create: () => T, onDropped?: (dropped: Heavy<T>) => void) {
    this.#most = most;
    this.#create = create;
    this.#onDropped = onDropped;
  }

  /** Adds some weight under a name; the caller brings the value up to date. */
  add(name: string, weight: number): Heavy<T> {
    let heavy = this.#byName.get(name);
    if (heavy === undefined) {
      heavy = this.kept.length < this.#most ? this.#keep(name) : this.#replaceLightest(name);
      this.#byName.set(name, heavy);
    }
    heavy.weight += weight;
    return heavy;
  }

  #keep(name: string): Heavy<T> {
    const heavy = { name, value: this.#create(), weight: 0, missed: 0 };
    this.kept.push(heavy);
    return heavy;
  }

  #replaceLightest(name: string): Heavy<T> {
    const { kept } = this;
    let place = this.#place;
    for (let count = 0, at = place; count < kept.length && kept[place]!.weight > this.#least; count += 1) {
      if (kept[at]!.weight < kept[place]!.weight) place = at;
      at = at + 1 === kept.length ? 0 : at + 1;
    }
    const dropped = kept[place]!;
    this.#byName.delete(dropped.name);
    this.#onDropped?.(dropped);
    this.#least = dropped.weight;
    this.#place = place + 1 === kept.length ? 0 : place + 1;
    const heavy = { name, value: this.#create(), weight: dropped.weight, missed: dropped.weight };
    kept[place] = heavy;
    return heavy;
  }
}
