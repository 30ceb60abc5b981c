import type { BlockChain } from "./block-chain.ts";
import type { ByteCount } from "./block-table.ts";

/** Seven hashes of two numbers, the place of the next chunk, and one left over: 64 bytes, a cache line. */
const stride = 16;
const perChunk = 7;
const nextField = 14;

/**
 * Runs of block hashes of any length in one flat array. A run is the place of its first chunk. Arrays of their own would be garbage that lives long,
 * which costs the most to collect.
 */
export class BlockRuns {
  #cells = new Int32Array(8 * stride);
  #free = -1;
  #used = 0;
  readonly #count: ByteCount;

  constructor(count: ByteCount) {
    this.#count = count;
    count.bytes += this.#cells.byteLength;
  }

  /** Keeps the hashes of a chain from `from` on, at least one. */
  add(chain: BlockChain, from: number): number {
    const first = this.#take();
    for (let at = from, chunk = first, place = 0; at < chain.length; at++, place++) {
      if (place === perChunk) {
        chunk = this.#append(chunk);
        place = 0;
      }
      this.#cells[chunk + place * 2] = chain.low[at]!;
      this.#cells[chunk + place * 2 + 1] = chain.high[at]!;
    }
    return first;
  }

  /** How many first hashes of a run of `length` are those of a chain from `from` on. */
  common(run: number, length: number, chain: BlockChain, from: number): number {
    const most = Math.min(length, chain.length - from);
    const cells = this.#cells;
    for (let at = 0, chunk = run, place = 0; at < most; at++, place++) {
      if (place === perChunk) {
        chunk = cells[chunk + nextField]!;
        place = 0;
      }
      if (cells[chunk + place * 2] !== chain.low[from + at] || cells[chunk + place * 2 + 1] !== chain.high[from + at])
        return at;
    }
    return most;
  }

  /** Cuts a run of `length` behind its first `at` hashes, more than none and not all, and gives the run of the rest. */
  cut(run: number, length: number, at: number): number {
    const low = new Int32Array(length - at);
    const high = new Int32Array(length - at);
    for (let rest = at; rest < length; rest++) {
      const cell = this.#cellOf(run, rest);
      low[rest - at] = this.#cells[cell]!;
      high[rest - at] = this.#cells[cell + 1]!;
    }
    const last = this.#cellOf(run, at - 1);
    const chunk = last - (last % stride);
    const behind = this.#cells[chunk + nextField]!;
    this.#cells[chunk + nextField] = -1;
    if (behind !== -1) this.remove(behind);
    return this.add({ low, high, length: length - at }, 0);
  }

  /** The halves of a run's first hash. */
  first(run: number): { readonly low: number; readonly high: number } {
    return { low: this.#cells[run]!, high: this.#cells[run + 1]! };
  }

  remove(run: number): void {
    for (let chunk = run; chunk !== -1;) {
      const behind = this.#cells[chunk + nextField]!;
      this.#cells[chunk + nextField] = this.#free;
      this.#free = chunk;
      chunk = behind;
    }
  }

  #cellOf(run: number, at: number): number {
    let chunk = run;
    for (let left = at; left >= perChunk; left -= perChunk) chunk = this.#cells[chunk + nextField]!;
    return chunk + (at % perChunk) * 2;
  }

  #append(chunk: number): number {
    const next = this.#take();
    this.#cells[chunk + nextField] = next;
    return next;
  }

  #take(): number {
    let chunk = this.#free;
    if (chunk === -1) {
      chunk = this.#used;
      this.#used += stride;
      if (this.#used > this.#cells.length) {
        this.#count.bytes += this.#cells.byteLength;
        const larger = new Int32Array(this.#cells.length * 2);
        larger.set(this.#cells);
        this.#cells = larger;
      }
    } else this.#free = this.#cells[chunk + nextField]!;
    this.#cells[chunk + nextField] = -1;
    return chunk;
  }
}
