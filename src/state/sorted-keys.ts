/** Distinct keys in ascending order. Adding at the end and removing from the front are the fast cases: keys that sort by time. */
export class SortedKeys {
  #keys: string[] = [];
  /** Slots at the front that are no longer in use: moving all others for each removal would cost a copy of the array. */
  #start = 0;

  get size(): number {
    return this.#keys.length - this.#start;
  }

  add(key: string): void {
    const last = this.#keys.at(-1);
    if (this.size === 0 || last === undefined || last < key) {
      this.#keys.push(key);
      return;
    }
    const at = this.#lowerBound(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  delete(key: string): void {
    const at = this.#lowerBound(key);
    if (this.#keys[at] !== key) return;
    if (at !== this.#start) {
      this.#keys.splice(at, 1);
      return;
    }
    this.#start += 1;
    if (this.#start * 2 > this.#keys.length) {
      this.#keys = this.#keys.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The `count` lowest keys. */
  lowest(count: number): string[] {
    return this.#keys.slice(this.#start, this.#start + count);
  }

  /** At most `limit` keys beyond `after` that `accept` takes, and whether an accepted one may follow. */
  page(
    after: string | undefined,
    descending: boolean,
    limit: number,
    accept: (key: string) => boolean,
  ): { keys: string[]; more: boolean } {
    const step = descending ? -1 : 1;
    let at = descending ? this.#keys.length - 1 : this.#start;
    if (after !== undefined) {
      at = this.#lowerBound(after);
      if (descending) at -= 1;
      else if (this.#keys[at] === after) at += 1;
    }
    const keys: string[] = [];
    for (; at >= this.#start && at < this.#keys.length; at += step) {
      const key = this.#keys[at] as string;
      if (!accept(key)) continue;
      if (keys.length === limit) return { keys, more: true };
      keys.push(key);
    }
    return { keys, more: false };
  }

  #lowerBound(key: string): number {
    let low = this.#start;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
