function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(array);
  return larger;
}

/**
 * A hash table of 64-bit block hashes in flat arrays. An entry keeps its number until it is removed, so that others can hold arrays beside
 * it. A Map would keep a heap number per block and cost several times as much per look (a prompt of 10k tokens has 156 blocks).
 */
export class BlockTable {
  low = new Int32Array(64);
  high = new Int32Array(64);
  /** Entries in use. */
  size = 0;
  #next = new Int32Array(64);
  #heads = new Int32Array(64).fill(-1);
  #free = -1;
  #used = 0;

  /** The number of a block's entry, or -1. */
  find(low: number, high: number): number {
    let entry = this.#heads[low & (this.#heads.length - 1)]!;
    while (entry !== -1 && (this.low[entry] !== low || this.high[entry] !== high)) entry = this.#next[entry]!;
    return entry;
  }

  /** Adds a block that the table does not have and gives its entry's number, which is below `capacity`. */
  add(low: number, high: number): number {
    let entry = this.#free;
    if (entry === -1) {
      if (this.#used === this.low.length) this.#grow();
      entry = this.#used++;
    } else this.#free = this.#next[entry]!;
    const bucket = low & (this.#heads.length - 1);
    this.low[entry] = low;
    this.high[entry] = high;
    this.#next[entry] = this.#heads[bucket]!;
    this.#heads[bucket] = entry;
    this.size++;
    return entry;
  }

  remove(entry: number): void {
    const bucket = this.low[entry]! & (this.#heads.length - 1);
    const after = this.#next[entry]!;
    let before = this.#heads[bucket]!;
    if (before === entry) this.#heads[bucket] = after;
    else {
      while (this.#next[before] !== entry) before = this.#next[before]!;
      this.#next[before] = after;
    }
    this.#next[entry] = this.#free;
    this.#free = entry;
    this.size--;
  }

  /** Numbers of entries are below this; it grows by doubling. */
  get capacity(): number {
    return this.low.length;
  }

  // Only called when no entry is free: all of them are in chains.
  #grow(): void {
    const size = this.low.length * 2;
    this.low = grown(this.low, size);
    this.high = grown(this.high, size);
    this.#next = new Int32Array(size);
    this.#heads = new Int32Array(size).fill(-1);
    for (let entry = 0; entry < this.#used; entry++) {
      const bucket = this.low[entry]! & (size - 1);
      this.#next[entry] = this.#heads[bucket]!;
      this.#heads[bucket] = entry;
    }
  }
}
