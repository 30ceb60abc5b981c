import type { Clock } from "../../../core/clock.ts";
import { defineExtension } from "../../../core/extension.ts";
import type { Log } from "../../../core/log.ts";
import type { Upstream } from "../../../http/upstream.ts";
import type { VectorStore } from "./vector-store.ts";

export interface VectorsDeps {
  /** Names what the vectors mean: those of another embedder lie elsewhere. */
  readonly space: string;
  /** The most entries that are kept in this process. */
  readonly maxEntries: number;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
}

/** Declares a vector store: what a person writes after `vectors:`, its options, and how it is reached. Nothing is sent before it is first used. */
export const defineVectors = defineExtension<VectorsDeps, VectorStore>();
