import { bitsOf, mostDifferentBits, SKETCH_WORDS } from "./sketch.ts";
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

/* Of the space for entries: below it, half is given back, so that what was once full does not hold its memory for ever. */
const LEAST_USED = 0.25;

/* Places in one flat array, grown by doubling: a scan reads memory in order. Float32 stays native in V8 where Float16 does not. */
export function createPartition(dimensions: number, toSketch: (vector: Float32Array) => Int32Array): Partition {
  let vectors = new Float32Array(dimensions);
  let sketches = new Int32Array(SKETCH_WORDS);
  const ids: string[] = [];
  const expiries: number[] = [];
  /* Place by id, the oldest first. */
  const places = new Map<string, number>();

  function write(place: number, { id, vector, expiresAtMs }: VectorEntry): void {
    vectors.set(vector, place * dimensions);
    sketches.set(toSketch(vector), place * SKETCH_WORDS);
    ids[place] = id;
    expiries[place] = expiresAtMs;
  }

  function differentBits(place: number, sketch: Int32Array): number {
    let bits = 0;
    const from = place * SKETCH_WORDS;
    for (let at = 0; at < SKETCH_WORDS; at++) bits += bitsOf((sketches[from + at] ?? 0) ^ (sketch[at] ?? 0));
    return bits;
  }

  function cosineAt(place: number, vector: Float32Array): number {
    let sum = 0;
    const from = place * dimensions;
    for (let at = 0; at < dimensions; at++) sum += (vectors[from + at] ?? 0) * (vector[at] ?? 0);
    return sum;
  }

  /* The last place fills the gap. */
  function removeAt(place: number): void {
    const last = ids.length - 1;
    places.delete(ids[place] ?? "");
    if (place !== last) {
      vectors.copyWithin(place * dimensions, last * dimensions, (last + 1) * dimensions);
      sketches.copyWithin(place * SKETCH_WORDS, last * SKETCH_WORDS, (last + 1) * SKETCH_WORDS);
      ids[place] = ids[last] ?? "";
      expiries[place] = expiries[last] ?? 0;
      places.set(ids[place], place);
    }
    ids.pop();
    expiries.pop();
    const needed = ids.length * dimensions;
    if (ids.length === 0 || needed >= vectors.length * LEAST_USED) return;
    vectors = vectors.slice(0, vectors.length / 2);
    sketches = sketches.slice(0, sketches.length / 2);
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
      if ((place + 1) * dimensions > vectors.length) {
        const wider = new Float32Array(vectors.length * 2);
        wider.set(vectors);
        vectors = wider;
        const more = new Int32Array(sketches.length * 2);
        more.set(sketches);
        sketches = more;
      }
      write(place, entry);
      /* Put again, it is the youngest. */
      places.delete(entry.id);
      places.set(entry.id, place);
    },
    search(vector, { least, most }, nowMs) {
      const found: Neighbour[] = [];
      /* Most entries are told to be far by 32 bytes each. */
      const sketch = toSketch(vector);
      const mostBits = mostDifferentBits(least);
      for (let place = 0; place < ids.length; place++) {
        if (differentBits(place, sketch) > mostBits || (expiries[place] ?? 0) <= nowMs) continue;
        const score = cosineAt(place, vector);
        if (score < least) continue;
        found.push({ id: ids[place] ?? "", score });
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
