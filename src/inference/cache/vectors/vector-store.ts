/** What was found near a vector. */
export interface Neighbour {
  readonly id: string;
  /** Cosine, -1 to 1. */
  readonly score: number;
}

/** One vector to keep. */
export interface VectorEntry {
  /** Unique in its partition. An entry of the same id is replaced. */
  readonly id: string;
  /** Of unit length. */
  readonly vector: Float32Array;
  /** Epoch milliseconds from which on it is not found. */
  readonly expiresAtMs: number;
}

/**
 * Vectors in partitions that never see each other: a search names one partition and no store searches in two. Where an entry is
 * bounded out, it is as if it had expired.
 */
export interface VectorStore {
  put(partition: string, entry: VectorEntry): Promise<void>;
  /** At most `most` entries of the partition whose cosine is at least `least`, the nearest first. */
  search(
    partition: string,
    vector: Float32Array,
    query: { readonly least: number; readonly most: number },
  ): Promise<readonly Neighbour[]>;
  remove(partition: string, id: string): Promise<void>;
  /** Forgets every entry of a partition. */
  removePartition(partition: string): Promise<void>;
  close(): Promise<void>;
}
