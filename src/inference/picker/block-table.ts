/** Fields of an entry lie together, 32 bytes of one cache line: in arrays of their own each look-up waited for memory several times. */
const stride = 8;
const lowField = 0;
const highField = 1;
const nextField = 2;
/** Bytes of flat arrays, counted as they grow. */
export interface ByteCount {
  bytes: number;
}

/* There are many tables that stay small. */
const firstEntries = 8;
/** Fields that the owner of a table may use for itself. */
export const ownFields = [3, 4, 5, 6, 7] as const;

/**
 * A hash table of 64-bit block hashes in one flat array. An entry is the place of its first field and keeps it until it is removed. A Map
 * would keep a heap number per block and cost several times as much per look-up (a prompt of 10k tokens has 42 blocks).
 */
export class BlockTable {
  cells = new Int32Array(firstEntries * stride);
  /** Entries in use. */
  size = 0;
  #heads = new Int32Array(firstEntries).fill(-1);
  #free = -1;
  #used = 0;
  readonly #count: ByteCount;

  constructor(count: ByteCount) {
    this.#count = count;
    count.bytes += this.bytes;
  }

  get bytes(): number {
    return this.cells.byteLength + this.#heads.byteLength;
  }

  /** How many entries there is room for before the table grows; `ordinal` of each is below. */
  get capacity(): number {
    return this.#heads.length;
  }

  /** A small number for an entry, to keep something of it in an array beside the table. */
  ordinal(entry: number): number {
    return entry / stride;
  }

  /** The halves of an entry's hash. */
  hashOf(entry: number): { readonly low: number; readonly high: number } {
    return { low: this.cells[entry + lowField]!, high: this.cells[entry + highField]! };
  }

  /** The entry of a block, or -1. */
  find(low: number, high: number): number {
    const { cells } = this;
    let entry = this.#heads[low & (this.#heads.length - 1)]!;
    while (entry !== -1 && (cells[entry + lowField] !== low || cells[entry + highField] !== high)) {
      entry = cells[entry + nextField]!;
    }
    return entry;
  }

  /** Adds a block that the table does not have and gives its entry. */
  add(low: number, high: number): number {
    let entry = this.#free;
    if (entry === -1) {
      if (this.#used === this.#heads.length) this.#grow();
      entry = this.#used++ * stride;
    } else this.#free = this.cells[entry + nextField]!;
    this.cells[entry + lowField] = low;
    this.cells[entry + highField] = high;
    this.#chain(entry);
    this.size++;
    return entry;
  }

  remove(entry: number): void {
    const { cells } = this;
    const bucket = cells[entry + lowField]! & (this.#heads.length - 1);
    const after = cells[entry + nextField]!;
    let before = this.#heads[bucket]!;
    if (before === entry) this.#heads[bucket] = after;
    else {
      while (cells[before + nextField] !== entry) before = cells[before + nextField]!;
      cells[before + nextField] = after;
    }
    cells[entry + nextField] = this.#free;
    this.#free = entry;
    this.size--;
  }

  #chain(entry: number): void {
    const bucket = this.cells[entry + lowField]! & (this.#heads.length - 1);
    this.cells[entry + nextField] = this.#heads[bucket]!;
    this.#heads[bucket] = entry;
  }

  // Only called when no entry is free: all of them are in chains.
  #grow(): void {
    this.#count.bytes += this.bytes;
    const larger = new Int32Array(this.cells.length * 2);
    larger.set(this.cells);
    this.cells = larger;
    this.#heads = new Int32Array(this.#heads.length * 2).fill(-1);
    for (let ordinal = 0; ordinal < this.#used; ordinal++) this.#chain(ordinal * stride);
  }
}
