import type { Question } from "../question/question.ts";

/** Finds what makes two similar questions different. Pure; written for the language, and wrong only in refusing. */
export interface SameGuard {
  readonly name: string;
  /** How the two differ, without a word of either; undefined: not that this guard could see. `score`: how near the embedder found them. */
  differs(asked: Question, stored: Question, score: number): string | undefined;
}

/** Two lists with the same members, each as often. */
export function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.toSorted().join("\0") === right.toSorted().join("\0");
}
