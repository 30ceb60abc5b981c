/** Distinct keys in ascending order. Appending at the end is the fast case: keys that sort by time. */
export class SortedKeys {
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  add(key: string): void {
    const last = this.#keys.at(-1);
    if (last === undefined || last < key) {
      this.#keys.push(key);
      return;
    }
    const at = this.#lowerBound(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  delete(key: string): void {
    const at = this.#lowerBound(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** The `count` lowest keys. */
  lowest(count: number): string[] {
    return this.#keys.slice(0, count);
  }

  /** At most `limit` keys beyond `after` that `accept` takes, and whether an accepted one may follow. */
  page(after: string | undefined, descending: boolean, limit: number, accept: (key: string) => boolean): { keys: string[]; more: boolean } {
    const step = descending ? -1 : 1;
    let at = descending ? this.#keys.length - 1 : 0;
    if (after !== undefined) {
      at = this.#lowerBound(after);
      if (descending) at -= 1;
      else if (this.#keys[at] === after) at += 1;
    }
    const keys: string[] = [];
    for (; at >= 0 && at < this.#keys.length; at += step) {
      const key = this.#keys[at] as string;
      if (!accept(key)) continue;
      if (keys.length === limit) return { keys, more: true };
      keys.push(key);
    }
    return { keys, more: false };
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
