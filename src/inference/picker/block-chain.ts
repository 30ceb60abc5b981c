/* A prompt as a chain of block hashes: two prompts share exactly as many first hashes as they share whole first blocks. */

/** Four bytes stand for one token, as in the field's estimating tokenizers. */
const tokenBytes = 4;
/** The part of a prompt that is looked at, in tokens. What lies behind it cannot tell endpoints apart any more. */
const maxChainTokens = 131_072;

/**
 * Where each block ends, in tokens. A block is 64 tokens and from 1,024 on about a twelfth of what stands before it (128, 256 …): a
 * match is known to within 12 %, and the longest prompt has 72 blocks. Equal blocks of 64 would be 2,048, and blocks half as wide as these
 * placed prompts no better.
 */
const ends = blockEnds();

function blockEnds(): Int32Array {
  const found = [0];
  for (let at = 0, width = 64; at < maxChainTokens; found.push(at)) {
    if (at >= width * 16) width *= 2;
    at += width;
  }
  return Int32Array.from(found);
}

/** How many tokens so many first blocks are. */
export function tokensOf(blocks: number): number {
  return ends[blocks]!;
}

/** The hashes of a prompt's blocks, in order: 64 bits each, in two halves. */
export interface BlockChain {
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** How many of the entries of `low` and `high` count. */
  readonly length: number;
}

export const emptyChain: BlockChain = { low: new Int32Array(0), high: new Int32Array(0), length: 0 };

// The primes of xxHash32: odd and with well spread bits.
const p1 = 0x9e3779b1 | 0;
const p2 = 0x85ebca77 | 0;
const p3 = 0xc2b2ae3d | 0;

function avalanche(value: number): number {
  let hash = Math.imul(value ^ (value >>> 15), p2);
  hash = Math.imul(hash ^ (hash >>> 13), p3);
  return hash ^ (hash >>> 16);
}

/** A 32-bit hash of a short text, such as an address, a session or a request id. */
export function hashText(text: string, seed = 0): number {
  let hash = seed ^ text.length;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), p1) ^ (hash >>> 15);
  return avalanche(hash);
}

/** Two 32-bit hashes as one that depends on both and on their order. */
export function mixHashes(a: number, b: number): number {
  return avalanche(Math.imul(a, p1) ^ (Math.imul(b, p3) + p2));
}

/** Where bytes are copied to that do not begin at a whole word, as most parts of a request do not. Kept: to make 40 kB costs more than to fill them. */
let aligned = new Uint8Array(65_536);

function toWords(bytes: Uint8Array, words: number): Int32Array {
  if (bytes.byteOffset % tokenBytes === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, words);
  const length = words * tokenBytes;
  if (aligned.length < length) aligned = new Uint8Array(maxChainTokens * tokenBytes);
  aligned.set(bytes.subarray(0, length));
  return new Int32Array(aligned.buffer, 0, words);
}

/** How many whole blocks so many tokens make. */
function blocksOf(tokens: number): number {
  let blocks = 0;
  while (blocks + 1 < ends.length && ends[blocks + 1]! <= tokens) blocks++;
  return blocks;
}

/**
 * The chain of a prompt's bytes. `root` parts what must never share: model, adapter, cache salt, and a secret of the process, without
 * which a caller could forge a prefix that falls together with another tenant's. Only whole blocks count: servers cache no others.
 */
export function toBlockChain(bytes: Uint8Array, root: number): BlockChain {
  const length = blocksOf(bytes.byteLength / tokenBytes);
  const words = toWords(bytes, ends[length]!);
  const low = new Int32Array(length);
  const high = new Int32Array(length);
  let previousLow = root;
  let previousHigh = avalanche(root ^ p3);
  for (let block = 0, at = 0; block < length; block++) {
    // Four lanes, so that the multiplications of one do not wait for those of another, and one multiplication for two words: 40 kB take
    // 7 µs, against 10 with one for each word and 25 in one lane.
    let a = previousLow;
    let b = previousHigh;
    let c = previousLow ^ p1;
    let d = previousHigh ^ p2;
    for (const end = ends[block + 1]!; at < end; at += 8) {
      a = (Math.imul(a ^ words[at]!, p1) + words[at + 4]!) | 0;
      a ^= a >>> 15;
      b = (Math.imul(b ^ words[at + 1]!, p2) + words[at + 5]!) | 0;
      b ^= b >>> 15;
      c = (Math.imul(c ^ words[at + 2]!, p3) + words[at + 6]!) | 0;
      c ^= c >>> 15;
      d = (Math.imul(d ^ words[at + 3]!, p1) + words[at + 7]!) | 0;
      d ^= d >>> 15;
    }
    previousLow = mixHashes(mixHashes(a, b), mixHashes(c, d));
    previousHigh = mixHashes(mixHashes(d, a), mixHashes(b, c));
    low[block] = previousLow;
    high[block] = previousHigh;
  }
  return { low, high, length };
}

/** A hash, in 8 bytes, of all bytes of something that has 4,096 or more, and not only of whole blocks. Cost: 5 MB take about 1 ms. */
export function hashBytes(bytes: Uint8Array, seed: number): Uint8Array {
  let low = seed;
  let high = bytes.length;
  // Both are whole blocks.
  const piece = bytes.length < 65_536 ? 4_096 : 65_536;
  for (let at = 0; at < bytes.length; at += piece) {
    // The last reaches back into the one before it.
    const end = Math.min(at + piece, bytes.length);
    const chain = toBlockChain(bytes.subarray(end - piece, end), seed);
    low = mixHashes(low, chain.low[chain.length - 1]!);
    high = mixHashes(high, chain.high[chain.length - 1]!);
  }
  return new Uint8Array(Int32Array.of(low, high).buffer);
}
