import { bitsOf, FIRST_WORDS, mostDifferentBits, partsOf, SKETCH_WORDS } from "./sketch.ts";
import type { Neighbour, VectorEntry } from "./vector-store.ts";

/** The vectors of one partition. */
export interface Partition {
  size(): number;
  has(id: string): boolean;
  put(entry: VectorEntry): void;
  search(
    vector: Float32Array,
    query: { readonly least: number; readonly most: number },
    nowMs: number,
  ): readonly Neighbour[];
  /** Whether there was one. */
  remove(id: string): boolean;
  removeOldest(): void;
}

/* Places of one block: what a growing partition takes at once, and a shrinking one gives back. 128 KiB of 512 numbers each. */
const PLACES = 64;

interface Block {
  readonly vectors: Float32Array;
  readonly sketches: Int32Array;
}

/* Blocks of flat arrays: a scan reads memory in order, and growing copies nothing. Float32 stays native in V8 where Float16 does not. */
export function createPartition(dimensions: number, toSketch: (vector: Float32Array) => Int32Array): Partition {
  const blocks: Block[] = [];
  const ids: string[] = [];
  const expiries: number[] = [];
  /* Place by id, the oldest first. */
  const places = new Map<string, number>();

  function blockOf(place: number): Block {
    return (blocks[Math.floor(place / PLACES)] ??= {
      vectors: new Float32Array(PLACES * dimensions),
      sketches: new Int32Array(PLACES * SKETCH_WORDS),
    });
  }

  function write(place: number, { id, vector, expiresAtMs }: VectorEntry): void {
    const { vectors, sketches } = blockOf(place);
    vectors.set(vector, (place % PLACES) * dimensions);
    sketches.set(toSketch(vector), (place % PLACES) * SKETCH_WORDS);
    ids[place] = id;
    expiries[place] = expiresAtMs;
  }

  /* The last place fills the gap. */
  function removeAt(place: number): void {
    const last = ids.length - 1;
    places.delete(ids[place] ?? "");
    if (place !== last) {
      const [from, to] = [blockOf(last), blockOf(place)];
      const [start, gap] = [last % PLACES, place % PLACES];
      to.vectors.set(from.vectors.subarray(start * dimensions, (start + 1) * dimensions), gap * dimensions);
      to.sketches.set(from.sketches.subarray(start * SKETCH_WORDS, (start + 1) * SKETCH_WORDS), gap * SKETCH_WORDS);
      ids[place] = ids[last] ?? "";
      expiries[place] = expiries[last] ?? 0;
      places.set(ids[place], place);
    }
    ids.pop();
    expiries.pop();
    blocks.length = Math.ceil(ids.length / PLACES);
  }

  function remove(id: string): boolean {
    const place = places.get(id);
    if (place !== undefined) removeAt(place);
    return place !== undefined;
  }

  return {
    size: () => ids.length,
    has: (id) => places.has(id),
    put(entry) {
      const place = places.get(entry.id) ?? ids.length;
      write(place, entry);
      /* Put again, it is the youngest. */
      places.delete(entry.id);
      places.set(entry.id, place);
    },
    search(vector, { least, most }, nowMs) {
      const found: Neighbour[] = [];
      /* Most entries are told to be far by the first 16 bytes of 64. */
      const sketch = toSketch(vector);
      const mostBits = mostDifferentBits(least, SKETCH_WORDS);
      /* The first words tell of most that they are far. */
      const mostOfFirst = mostDifferentBits(least, FIRST_WORDS);
      const [q0 = 0, q1 = 0, q2 = 0, q3 = 0] = sketch;
      const parts = partsOf(vector);
      for (let block = 0; block < blocks.length; block++) {
        const first = block * PLACES;
        const { vectors, sketches } = blockOf(first);
        const count = Math.min(PLACES, ids.length - first);
        for (let place = 0; place < count; place++) {
          const at = place * SKETCH_WORDS;
          let bits = bitsOf(sketches[at]! ^ q0) + bitsOf(sketches[at + 1]! ^ q1);
          bits += bitsOf(sketches[at + 2]! ^ q2) + bitsOf(sketches[at + 3]! ^ q3);
          if (bits > mostOfFirst) continue;
          for (let word = FIRST_WORDS; word < SKETCH_WORDS; word++)
            bits += bitsOf(sketches[at + word]! ^ sketch[word]!);
          if (bits > mostBits || (expiries[first + place] ?? 0) <= nowMs) continue;
          const score = cosine(vectors, place * dimensions, vector, parts);
          if (score >= least) found.push({ id: ids[first + place] ?? "", score });
        }
      }
      return found.toSorted((left, right) => right.score - left.score).slice(0, most);
    },
    remove,
    removeOldest() {
      const [oldest] = places.keys();
      if (oldest !== undefined) remove(oldest);
    },
  };
}

function cosine(vectors: Float32Array, from: number, vector: Float32Array, parts: Int32Array): number {
  let sum = 0;
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? 0;
    sum += (vectors[from + part] ?? 0) * (vector[part] ?? 0);
  }
  return sum;
}
