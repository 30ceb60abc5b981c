/* 64 Ki places of 24 bytes: 1.5 MB, whatever callers send. */
const PLACES = 65_536;

/**
 * Which calls were made lately: a table of fixed size with no object in it, because most calls are made once and must not cost more
 * than looking. Of two calls that fall on full places the older is forgotten, so that a repetition may be noticed one call later.
 */
export class Sightings {
  readonly #keys = new Float64Array(PLACES);
  readonly #seenAtMs = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY);
  readonly #costNanos = new Float64Array(PLACES);

  /** When this call was last made, where that is known; it is remembered as made now. */
  note(key: number, nowMs: number): number | undefined {
    const known = this.#placeOf(key);
    const place = known ?? this.#freePlace(key);
    const before = known === undefined ? undefined : this.#seenAtMs[known];
    if (known === undefined) this.#costNanos[place] = 0;
    this.#keys[place] = key;
    this.#seenAtMs[place] = nowMs;
    return before;
  }

  /** What the call cost; nothing where it was forgotten meanwhile. */
  addCost(key: number, nanos: number): void {
    const place = this.#placeOf(key);
    if (place !== undefined) this.#costNanos[place] = (this.#costNanos[place] as number) + nanos;
  }

  costOf(key: number): number {
    const place = this.#placeOf(key);
    return place === undefined ? 0 : (this.#costNanos[place] as number);
  }

  #placeOf(key: number): number | undefined {
    const first = (key % (PLACES / 2)) * 2;
    if (this.#keys[first] === key) return first;
    return this.#keys[first + 1] === key ? first + 1 : undefined;
  }

  #freePlace(key: number): number {
    const first = (key % (PLACES / 2)) * 2;
    return (this.#seenAtMs[first] as number) <= (this.#seenAtMs[first + 1] as number) ? first : first + 1;
  }
}
