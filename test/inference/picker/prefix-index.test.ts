import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BlockChain, tokensOf, toBlockChain } from "../../../src/inference/picker/block-chain.ts";
import { PrefixIndex } from "../../../src/inference/picker/prefix-index.ts";

const blockTokens = 64;
const blockBytes = blockTokens * 4;

/** A prompt of one block for each number. */
function chainOf(blocks: readonly number[], root = 1): BlockChain {
  const bytes = new Uint8Array(blocks.length * blockBytes);
  blocks.forEach((value, at) => bytes.fill(value, at * blockBytes, (at + 1) * blockBytes));
  return toBlockChain(bytes, root);
}

const keys = ({ low, high }: BlockChain) => Array.from(low, (value, at) => `${value}:${high[at]}`);

interface Limits {
  readonly blocks: number;
  readonly runs: number;
}

/** What the index promises, said plainly: per endpoint, the most recently sent blocks, starts newer than ends. */
class PlainIndex {
  readonly held: string[][];
  readonly limits: Limits;
  /** The block that stands behind another in one run of any endpoint's: no prompt has parted there, or ended. */
  readonly #behind = new Map<string, string>();

  constructor(slots: number, limits: Limits) {
    this.held = Array.from({ length: slots }, () => []);
    this.limits = limits;
  }

  record(slot: number, chain: BlockChain): void {
    const sent = keys(chain);
    const known = new Set(this.held.flat());
    sent.forEach((key, at) => {
      const next = sent[at + 1];
      if (known.has(key) && next !== this.#behind.get(key)) this.#behind.delete(key);
      if (!known.has(key) && next !== undefined) this.#behind.set(key, next);
    });
    const held = [...sent, ...this.held[slot]!.filter((key) => !sent.includes(key))];
    while (this.runs(held) > this.limits.runs) while (this.#isBehind(held.pop()!, held.at(-1))) continue;
    if (held.length > this.limits.blocks) {
      held.length = this.limits.blocks;
      this.#behind.delete(held.at(-1)!);
    }
    this.held[slot] = held;
    this.#forget();
  }

  clear(slot: number): void {
    this.held[slot] = [];
    this.#forget();
  }

  /* Those of one run stand together. */
  runs(held: readonly string[]): number {
    return held.filter((key, at) => !this.#isBehind(key, held[at - 1])).length;
  }

  #isBehind(key: string, before: string | undefined): boolean {
    return before !== undefined && this.#behind.get(before) === key;
  }

  #forget(): void {
    const known = new Set(this.held.flat());
    for (const key of this.#behind.keys()) if (!known.has(key)) this.#behind.delete(key);
  }

  match(chain: BlockChain): number[] {
    const asked = keys(chain);
    return this.held.map((held) => {
      const miss = asked.findIndex((key) => !held.includes(key));
      return (miss === -1 ? asked.length : miss) * blockTokens;
    });
  }
}

describe("the chain of block hashes", () => {
  test("is equal for as many blocks as two prompts share from their start, and for none after", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 12 }), fc.array(fc.nat(255), { maxLength: 12 }), (one, other) => {
        let shared = 0;
        while (shared < one.length && shared < other.length && one[shared] === other[shared]) shared++;
        const a = keys(chainOf(one));
        const b = keys(chainOf(other));
        expect(a.slice(0, shared)).toEqual(b.slice(0, shared));
        expect(a.slice(shared).some((key) => b.includes(key))).toBe(false);
      }),
    );
  });

  test("depends on every byte, on the root, and not on where in memory the bytes lie", () => {
    const bytes = Uint8Array.from({ length: 2 * blockBytes }, (_, at) => (at * 7) % 251);
    const chain = keys(toBlockChain(bytes, 1));
    for (let at = 0; at < blockBytes; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(keys(toBlockChain(changed, 1))[0]).not.toBe(chain[0]);
    }
    expect(keys(toBlockChain(bytes, 2))[0]).not.toBe(chain[0]);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(keys(toBlockChain(shifted.subarray(1), 1))).toEqual(chain);
    // A Buffer's slice is no copy, and its memory is shared with others.
    for (let offset = 0; offset < 8; offset++) {
      const within = Buffer.alloc(bytes.length + 9, "x");
      within.set(bytes, offset);
      expect(keys(toBlockChain(within.subarray(offset, offset + bytes.length), 1))).toEqual(chain);
    }
    expect(toBlockChain(Buffer.from("abc").subarray(1), 1).length).toBe(0);
    const long = Buffer.from(`x${"0123456789".repeat(60_000)}`);
    expect(keys(toBlockChain(long.subarray(1), 1))).toEqual(keys(toBlockChain(Uint8Array.from(long.subarray(1)), 1)));
  });

  test("grows its blocks with what stands before them, so that a shared prefix is known to within an eighth", () => {
    const bytes = new Uint8Array(24_000 * 4);
    const whole = keys(toBlockChain(bytes, 1));
    for (const shared of [64, 100, 2_000, 2_200, 5_000, 9_999, 19_000]) {
      const other = bytes.slice().fill(7, shared * 4);
      const chain = keys(toBlockChain(other, 1));
      const miss = chain.findIndex((key, at) => key !== whole[at]);
      expect(tokensOf(miss)).toBeLessThanOrEqual(shared);
      expect(shared - tokensOf(miss)).toBeLessThan(Math.max(64, shared / 8));
    }
  });

  test("leaves out an unfinished block and what lies behind 131,072 tokens", () => {
    expect(chainOf([1, 2]).length).toBe(2);
    expect(toBlockChain(new Uint8Array(blockBytes - 1), 1).length).toBe(0);
    expect(toBlockChain(new Uint8Array(2_100 * blockBytes), 1).length).toBe(72);
    expect(tokensOf(72)).toBe(131_072);
  });
});

describe("the prefix index", () => {
  test("finds what a walk over every block finds, after prompts that part anywhere, evictions and endpoints that are gone", () => {
    const prompt = fc.array(fc.nat(2), { minLength: 1, maxLength: 16 });
    // Most go on where an earlier one was, as the turns of a conversation.
    const sent = fc.array(
      fc.record({ slot: fc.nat(39), after: fc.nat(), keep: fc.nat(16), prompt, gone: fc.nat(20) }),
      { maxLength: 60 },
    );
    const limits = fc.record({ blocks: fc.constantFrom(8, 20), runs: fc.constantFrom(2, 5, 100) });
    fc.assert(
      fc.property(sent, prompt, limits, (records, asked, { blocks: mostBlocks, runs }) => {
        const index = new PrefixIndex({
          tokensPerEndpoint: mostBlocks * blockTokens,
          runsPerEndpoint: runs,
        });
        const plain = new PlainIndex(40, { blocks: mostBlocks, runs });
        const matched = new Int32Array(40);
        const prompts: number[][] = [];
        for (const { slot, after, keep, prompt: fresh, gone } of records) {
          const blocks = [...(prompts[after % (prompts.length + 1)] ?? []).slice(0, keep), ...fresh].slice(0, 16);
          prompts.push(blocks);
          if (gone === 0) {
            index.clear(slot);
            plain.clear(slot);
          } else {
            index.record(slot, chainOf(blocks));
            plain.record(slot, chainOf(blocks));
          }
          for (const each of [blocks, asked]) {
            index.match(chainOf(each), matched);
            expect([...matched]).toEqual(plain.match(chainOf(each)));
          }
        }
        expect(index.size).toBe(new Set(plain.held.flat()).size);
      }),
      { numRuns: 300 },
    );
  });

  test("holds 16,000 runs of an endpoint at the most, the newest, where every prompt is another", () => {
    const index = new PrefixIndex();
    const bytes = new Uint8Array(blockBytes);
    const view = new DataView(bytes.buffer);
    const promptOf = (at: number) => {
      view.setUint32(0, at);
      return toBlockChain(bytes, 1);
    };
    for (let at = 0; at < 40_000; at++) index.record(0, promptOf(at));
    expect(index.size).toBe(16_000);
    const matched = new Int32Array(2);
    const holds = (at: number) => {
      index.match(promptOf(at), matched);
      return matched[0] === blockTokens;
    };
    expect([0, 23_999, 24_000, 39_999].map(holds)).toEqual([false, false, true, true]);
  });

  test("holds no more blocks than endpoints times their limit, and none of a cleared endpoint", () => {
    const index = new PrefixIndex({ tokensPerEndpoint: 50 * blockTokens });
    for (let at = 0; at < 500; at++) index.record(at % 3, chainOf([at % 256, at >> 8, 3, 4]));
    expect(index.size).toBe(150);
    index.clear(0);
    expect(index.size).toBe(100);
    index.clear(1);
    index.clear(2);
    expect(index.size).toBe(0);
  });
});
