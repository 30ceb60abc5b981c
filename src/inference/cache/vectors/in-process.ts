import type { Clock } from "../../../core/clock.ts";
import { createPartition, type Partition } from "./partition.ts";
import { createSketcher } from "./sketch.ts";
import type { VectorStore } from "./vector-store.ts";
import { defineVectors } from "./vectors.ts";

/** Bounds of the store in process. A vector of 512 takes 2 KiB. */
export interface InProcessOptions {
  /** Of all partitions together. */
  readonly maxEntries: number;
  readonly clock: Clock;
}

/**
 * Vectors in the memory of this process; the partition and entry used longest ago go first when it is full. A vector of other
 * dimensions comes of another embedder: the store then begins anew.
 */
export function createInProcessVectors({ maxEntries, clock }: InProcessOptions): VectorStore {
  /* In order of use, the longest ago first. */
  const partitions = new Map<string, Partition>();
  let entries = 0;
  let dimensions = 0;
  let toSketch: (vector: Float32Array) => Int32Array;

  function drop(name: string): void {
    entries -= partitions.get(name)?.size() ?? 0;
    partitions.delete(name);
  }

  function touched(name: string): Partition | undefined {
    const partition = partitions.get(name);
    if (partition === undefined) return undefined;
    partitions.delete(name);
    partitions.set(name, partition);
    return partition;
  }

  /* The partition used longest ago gives its oldest entry: one that fills the store cannot push out more than it puts in. */
  function makeRoom(): void {
    for (const [name, partition] of partitions) {
      if (entries < maxEntries) return;
      partition.removeOldest();
      entries--;
      if (partition.size() === 0) partitions.delete(name);
    }
  }

  function clear(): void {
    partitions.clear();
    entries = 0;
  }

  return {
    async put(name, entry) {
      const { length } = entry.vector;
      if (length !== dimensions) {
        clear();
        dimensions = length;
        toSketch = createSketcher(length);
      }
      const known = touched(name);
      if (known?.has(entry.id)) return known.put(entry);
      makeRoom();
      const partition = partitions.get(name) ?? createPartition(dimensions, toSketch);
      partitions.set(name, partition);
      partition.put(entry);
      entries++;
    },
    async search(name, vector, query) {
      if (vector.length !== dimensions) return [];
      return touched(name)?.search(vector, query, clock.now()) ?? [];
    },
    async remove(name, id) {
      const partition = partitions.get(name);
      if (!partition?.remove(id)) return;
      entries--;
      if (partition.size() === 0) partitions.delete(name);
    },
    async removePartition(name) {
      drop(name);
    },
    async close() {
      clear();
    },
  };
}

export const memory = defineVectors({
  type: "memory",
  description: "The memory of this process.",
  options: {},
  create: (_, { maxEntries, clock }) => createInProcessVectors({ maxEntries, clock }),
});
