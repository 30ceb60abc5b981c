import { defineExtension } from "../core/extension.ts";
import type { Operation } from "../core/operation.ts";

/** What a guard says of a content. A rejection is a value; the step that enforces it throws. */
export type Verdict =
  | { readonly pass: true }
  | {
      readonly pass: false;
      /** The guard's type, for the journal. */
      readonly guard: string;
      /** Shown to the caller. */
      readonly message: string;
    };

/** Inspects content on its way in. Pure and synchronous: it sees texts and knows nothing of wires. */
export interface Guard {
  /** `texts`: every text of the operation that a model, an agent or a tool may read. */
  input(operation: Operation, texts: readonly string[]): Verdict;
}

/** Defines one type of guard: one file that calls this, and one entry in `registry.ts`. */
export const defineGuard = defineExtension<undefined, Guard>();

export const pass: Verdict = { pass: true };
