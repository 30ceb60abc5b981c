import { type BlockChain, tokensOf } from "./block-chain.ts";
import { BlockRuns } from "./block-runs.ts";
import { BlockTable, type ByteCount, ownFields } from "./block-table.ts";
import { HeldRuns } from "./held-runs.ts";
import { type Forgetful, PrefixMemory } from "./prefix-memory.ts";

export interface PrefixIndexOptions {
  /** Tokens remembered for one endpoint: what its KV cache holds. Default 2,000,000, the field's 31,250 blocks of 64. */
  readonly tokensPerEndpoint?: number;
  /** Runs of blocks remembered for one endpoint, where prompts are short and have nothing in common. Default 16,000. */
  readonly runsPerEndpoint?: number;
  /** Of all indexes of this process. */
  readonly memory?: PrefixMemory;
}

/* Of all endpoints of a pool: what a hundred take that have the most each. */
const mostRuns = 1_600_000;

/* Of a node: where its run of hashes is, how many blocks it has, and how many stand before it. */
const [hashes, count, depth] = ownFields;

/**
 * Which endpoint was sent which prefix: an estimate of what its KV cache holds.
 *
 * It is a compressed trie, as SGLang's: a node is a run of blocks that always were sent together, known by the hash of its first block, with the set of
 * endpoints that were sent it. A prompt of which nothing was seen before is one node, and not one entry a block. A node is split where a prompt
 * leaves it, so that an endpoint holds a node whole or not at all. Prompts are touched from end to start: a node is always newer than
 * those behind it, and an endpoint that holds a node holds all before it.
 */
export class PrefixIndex implements Forgetful {
  #count: ByteCount = { bytes: 0 };
  #nodes = new BlockTable(this.#count);
  #runs = new BlockRuns(this.#count);
  /* By slot, as in Endpoints; made for the first prompt. */
  readonly #held: (HeldRuns | undefined)[] = [];
  readonly #limitTokens: number;
  readonly #limitRuns: number;
  /* Undefined once it is closed. */
  #memory: PrefixMemory | undefined;
  /** 32 endpoints each, of one node. */
  #words = 1;
  #holders = new Int32Array(this.#nodes.capacity);
  /** The nodes of the prompt that is being recorded. */
  #path: number[] = [];

  /** Blocks known of any endpoint. */
  size = 0;

  // With what one prompt adds these runs just fit in a table of 16,384.
  constructor({
    tokensPerEndpoint = 2_000_000,
    runsPerEndpoint = 16_000,
    memory = new PrefixMemory(),
  }: PrefixIndexOptions = {}) {
    this.#memory = memory;
    this.#limitTokens = tokensPerEndpoint;
    this.#limitRuns = runsPerEndpoint;
  }

  /** Writes into `matched`, by slot, how many first tokens of the prompt the endpoint holds, in whole blocks. */
  match(chain: BlockChain, matched: Int32Array): void {
    matched.fill(0);
    let before = -1;
    for (let at = 0; ;) {
      const node = at === chain.length ? -1 : this.#nodes.find(chain.low[at]!, chain.high[at]!);
      if (before !== -1) this.#assign(before, node, at, matched);
      if (node === -1) return;
      const shared = this.#shared(node, chain, at);
      at += shared;
      if (shared < this.#nodes.cells[node + count]!) {
        this.#assign(node, -1, at, matched);
        return;
      }
      before = node;
    }
  }

  /** Notes that the endpoint was sent a prompt and so comes to hold it. */
  record(slot: number, chain: BlockChain): void {
    if (slot >= this.#words * 32) this.#widen(slot);
    const path = this.#path;
    path.length = 0;
    for (let at = 0; at < chain.length; at += this.#nodes.cells[path.at(-1)! + count]!) {
      const node = this.#nodes.find(chain.low[at]!, chain.high[at]!);
      if (node === -1) path.push(this.#add(this.#runs.add(chain, at), chain.length - at, at));
      else {
        const shared = this.#shared(node, chain, at);
        if (shared < this.#nodes.cells[node + count]!) this.#split(node, shared);
        path.push(node);
      }
    }
    const held = (this.#held[slot] ??= new HeldRuns(this.#count));
    for (let at = path.length - 1; at >= 0; at--) {
      const node = path[at]!;
      const { low, high } = this.#nodes.hashOf(node);
      if (held.touch(low, high, node, this.#tokensOf(node))) this.#include(slot, node);
    }
    this.#trim(slot);
    this.#memory?.use(this, this.#count.bytes + this.#holders.byteLength);
  }

  /** Forgets all of an endpoint: it is gone, or started anew. */
  clear(slot: number): void {
    const held = this.#held[slot];
    if (held === undefined) return;
    while (held.oldest !== -1) this.#dropOldest(slot);
    this.#held[slot] = undefined;
    this.#count.bytes -= held.bytes;
  }

  /** Forgets all of all endpoints at once. */
  forget(): void {
    this.#count = { bytes: 0 };
    this.#nodes = new BlockTable(this.#count);
    this.#runs = new BlockRuns(this.#count);
    this.#holders = new Int32Array(this.#nodes.capacity * this.#words);
    this.#held.length = 0;
    this.size = 0;
  }

  /** Its pool is gone. */
  close(): void {
    this.#memory?.drop(this);
    this.#memory = undefined;
    this.forget();
  }

  /** How many first blocks of a node stand in a chain from `at` on. */
  #shared(node: number, chain: BlockChain, at: number): number {
    const { cells } = this.#nodes;
    return this.#runs.common(cells[node + hashes]!, cells[node + count]!, chain, at);
  }

  /** Tokens of a node's blocks, or of those behind the first `from`. */
  #tokensOf(node: number, from = 0): number {
    const { cells } = this.#nodes;
    const before = cells[node + depth]!;
    return tokensOf(before + cells[node + count]!) - tokensOf(before + from);
  }

  #add(run: number, blocks: number, before: number): number {
    const { low, high } = this.#runs.first(run);
    const node = this.#nodes.add(low, high);
    const { cells } = this.#nodes;
    cells[node + hashes] = run;
    cells[node + count] = blocks;
    cells[node + depth] = before;
    this.size += blocks;
    if (this.#holders.length < this.#nodes.capacity * this.#words) {
      const larger = new Int32Array(this.#nodes.capacity * this.#words);
      larger.set(this.#holders);
      this.#holders = larger;
    }
    return node;
  }

  /** Room in each node for an endpoint in this slot. */
  #widen(slot: number): void {
    const former = this.#words;
    while (slot >= this.#words * 32) this.#words *= 2;
    const wider = new Int32Array(this.#nodes.capacity * this.#words);
    for (let from = 0, to = 0; from < this.#holders.length; from += former, to += this.#words)
      for (let word = 0; word < former; word++) wider[to + word] = this.#holders[from + word]!;
    this.#holders = wider;
  }

  /** Makes a node of its own of what stands behind the first `at` blocks of a node, for all who hold it. */
  #split(node: number, at: number): void {
    const blocks = this.#nodes.cells[node + count]!;
    const run = this.#runs.cut(this.#nodes.cells[node + hashes]!, blocks, at);
    const tokens = this.#tokensOf(node, at);
    this.#nodes.cells[node + count] = at;
    this.size -= blocks - at;
    const rest = this.#add(run, blocks - at, this.#nodes.cells[node + depth]! + at);
    const { low, high } = this.#nodes.hashOf(node);
    const hash = this.#nodes.hashOf(rest);
    const from = this.#holdersOf(node);
    const to = this.#holdersOf(rest);
    for (let word = 0; word < this.#words; word++) {
      const all = this.#holders[from + word]!;
      this.#holders[to + word] = all;
      for (let bits = all; bits !== 0; bits &= bits - 1)
        this.#held[word * 32 + lowestBit(bits)]!.split(low, high, hash, rest, tokens);
    }
  }

  /** Drops what the endpoint was sent the longest ago while it holds more than the limits: whole runs, and then block by block. */
  #trim(slot: number): void {
    const held = this.#held[slot]!;
    const limitRuns = Math.min(this.#limitRuns, mostRuns / this.#held.length);
    while (held.runs > limitRuns) this.#dropOldest(slot);
    while (held.tokens > this.#limitTokens) {
      const node = held.oldest;
      let kept = this.#nodes.cells[node + count]! - 1;
      while (kept > 0 && held.tokens - this.#tokensOf(node, kept) > this.#limitTokens) kept--;
      if (kept > 0) this.#split(node, kept);
      this.#dropOldest(slot);
    }
  }

  #dropOldest(slot: number): void {
    const held = this.#held[slot]!;
    const node = held.oldest;
    held.dropOldest();
    const holders = this.#holdersOf(node);
    this.#holders[holders + (slot >> 5)]! &= ~(1 << (slot & 31));
    for (let word = 0; word < this.#words; word++) if (this.#holders[holders + word] !== 0) return;
    this.size -= this.#nodes.cells[node + count]!;
    this.#runs.remove(this.#nodes.cells[node + hashes]!);
    this.#nodes.remove(node);
  }

  /** Gives the endpoints that hold one node and not the next (-1: no endpoint does) their depth in blocks. */
  #assign(node: number, next: number, blocks: number, matched: Int32Array): void {
    const tokens = tokensOf(blocks);
    for (let word = 0; word < this.#words; word++) {
      let bits = this.#holders[this.#holdersOf(node) + word]!;
      if (next !== -1) bits &= ~this.#holders[this.#holdersOf(next) + word]!;
      for (; bits !== 0; bits &= bits - 1) matched[word * 32 + lowestBit(bits)] = tokens;
    }
  }

  #include(slot: number, node: number): void {
    this.#holders[this.#holdersOf(node) + (slot >> 5)]! |= 1 << (slot & 31);
  }

  #holdersOf(node: number): number {
    return this.#nodes.ordinal(node) * this.#words;
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
