import { type BlockChain, tokensOf } from "./block-chain.ts";
import { BlockLru } from "./block-lru.ts";
import { BlockTable } from "./block-table.ts";

export interface PrefixIndexOptions {
  /** Slots of endpoints, as in Endpoints. */
  readonly slots: number;
  /** Tokens remembered for one endpoint: what its KV cache holds. Default 2,000,000, the field's 31,250 blocks of 64. */
  readonly tokensPerEndpoint?: number;
  /**
   * What was sent among so much of the newest of what an endpoint holds stays where it is in the order of age when it is sent again: moving it
   * costs more than all the rest of a pick. Default a quarter; 0 keeps the exact order.
   */
  readonly freshShare?: number;
}

/**
 * Which endpoint was sent which prefix: an estimate of what its KV cache holds.
 *
 * A chain is touched from its end to its start. So a block is always newer than its successors, an endpoint forgets ends before starts, and
 * the endpoints that hold block n + 1 are among those that hold block n. That makes it right to search the depth by halving instead of
 * walking every block.
 */
export class PrefixIndex {
  readonly #table = new BlockTable();
  readonly #held: BlockLru[];
  /** Bits of slots in one set. */
  readonly #words: number;
  #sets: Int32Array;

  constructor({ slots, tokensPerEndpoint = 2_000_000, freshShare = 0.25 }: PrefixIndexOptions) {
    this.#words = Math.ceil(slots / 32);
    this.#sets = new Int32Array(this.#table.capacity * this.#words);
    this.#held = Array.from({ length: slots }, () => new BlockLru(tokensPerEndpoint, freshShare));
  }

  /** Blocks known of any endpoint. */
  get size(): number {
    return this.#table.size;
  }

  /** Writes into `matched`, by slot, how many first tokens of the prompt the endpoint holds, in whole blocks. */
  match(chain: BlockChain, matched: Int32Array): void {
    matched.fill(0);
    const { length } = chain;
    if (length === 0) return;
    const first = this.#look(chain, 0);
    if (first === -1) return;
    let known = 0;
    let unknown = length;
    while (unknown - known > 1) {
      const middle = (known + unknown) >> 1;
      if (this.#look(chain, middle) === -1) unknown = middle;
      else known = middle;
    }
    this.#assign(this.#look(chain, known), -1, known + 1, matched);
    this.#between(chain, 0, known, first, this.#look(chain, known), matched);
  }

  /** Notes that the endpoint was sent a prompt and so comes to hold it. */
  record(slot: number, chain: BlockChain): void {
    const held = this.#held[slot]!;
    const known = this.#depth(held, chain);
    const last = known === 0 ? -1 : held.find(chain.low[known - 1]!, chain.high[known - 1]!);
    if (last !== -1 && held.isFresh(last)) {
      // All before it are at least as fresh. What is new stands behind, so that it is forgotten first.
      for (let block = known, before = last; block < chain.length; block++) {
        const low = chain.low[block]!;
        const high = chain.high[block]!;
        before = held.addBehind(before, low, high, tokensOf(block + 1) - tokensOf(block));
        held.share(before, this.#include(slot, low, high));
      }
      held.trim((entry) => this.#exclude(slot, entry));
      return;
    }
    for (let block = chain.length - 1; block >= 0; block--) {
      const low = chain.low[block]!;
      const high = chain.high[block]!;
      const entry = held.touch(low, high, tokensOf(block + 1) - tokensOf(block));
      if (entry !== -1) held.share(entry, this.#include(slot, low, high));
    }
    held.trim((entry) => this.#exclude(slot, entry));
  }

  /** Forgets all of an endpoint: it is gone, or started anew. */
  clear(slot: number): void {
    this.#held[slot]!.clear((entry) => this.#exclude(slot, entry));
  }

  /** How many first blocks of a chain an endpoint holds. */
  #depth(held: BlockLru, chain: BlockChain): number {
    let known = 0;
    let unknown = chain.length + 1;
    while (unknown - known > 1) {
      const middle = (known + unknown) >> 1;
      if (held.find(chain.low[middle - 1]!, chain.high[middle - 1]!) === -1) unknown = middle;
      else known = middle;
    }
    return known;
  }

  /** Ordinal of a block's entry, or -1. */
  #look(chain: BlockChain, block: number): number {
    const entry = this.#table.find(chain.low[block]!, chain.high[block]!);
    return entry === -1 ? -1 : this.#table.ordinal(entry);
  }

  /** Gives the endpoints that hold `shallow` and not `deep` (-1: no endpoint does) their depth. */
  #assign(shallow: number, deep: number, depth: number, matched: Int32Array): void {
    const tokens = tokensOf(depth);
    for (let word = 0; word < this.#words; word++) {
      let bits = this.#sets[shallow * this.#words + word]!;
      if (deep !== -1) bits &= ~this.#sets[deep * this.#words + word]!;
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        matched[word * 32 + bit] = tokens;
        bits &= bits - 1;
      }
    }
  }

  /** Finds where between two blocks endpoints drop out; between equal sets none does. */
  #between(chain: BlockChain, from: number, to: number, first: number, last: number, matched: Int32Array): void {
    if (this.#same(first, last)) return;
    if (to - from === 1) {
      this.#assign(first, last, to, matched);
      return;
    }
    const middle = (from + to) >> 1;
    const entry = this.#look(chain, middle);
    this.#between(chain, from, middle, first, entry, matched);
    this.#between(chain, middle, to, entry, last, matched);
  }

  #same(a: number, b: number): boolean {
    for (let word = 0; word < this.#words; word++) {
      if (this.#sets[a * this.#words + word] !== this.#sets[b * this.#words + word]) return false;
    }
    return true;
  }

  /** Gives the block's entry. */
  #include(slot: number, low: number, high: number): number {
    let entry = this.#table.find(low, high);
    if (entry === -1) {
      entry = this.#table.add(low, high);
      if (this.#sets.length < this.#table.capacity * this.#words) {
        const larger = new Int32Array(this.#table.capacity * this.#words);
        larger.set(this.#sets);
        this.#sets = larger;
      }
    }
    this.#sets[this.#table.ordinal(entry) * this.#words + (slot >> 5)]! |= 1 << (slot & 31);
    return entry;
  }

  #exclude(slot: number, entry: number): void {
    const set = this.#table.ordinal(entry) * this.#words;
    this.#sets[set + (slot >> 5)]! &= ~(1 << (slot & 31));
    for (let word = 0; word < this.#words; word++) {
      if (this.#sets[set + word] !== 0) return;
    }
    this.#table.remove(entry);
  }
}
