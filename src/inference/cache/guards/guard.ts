import type { Question } from "../question/question.ts";

/** What tells two similar questions apart. */
export interface Difference {
  /** In words fit for the journal, without one of either question. */
  readonly because: string;
  /** Only one of them says it, and the other does not contradict: as often a detail that is left out as another question. */
  readonly isUnsaid: boolean;
}

/** What a guard may know beside the questions. */
export interface Nearness {
  /** Their cosine, as the embedder has it. */
  readonly score: number;
  /** The guards before it that saw what only one of the two says. */
  readonly unsaid: readonly string[];
}

/** Finds what makes two similar questions different. Pure; written for the language, and wrong only in refusing. */
export interface SameGuard {
  readonly name: string;
  /** Undefined: no difference that this guard could see. */
  differs(asked: Question, stored: Question, nearness: Nearness): Difference | undefined;
}

/** They contradict each other: no answer serves both. */
export const contradiction = (because: string): Difference => ({ because, isUnsaid: false });

/** They say it in different ways: in other words it may come to the same. */
export const unsaid = (because: string): Difference => ({ because, isUnsaid: true });

/** Those of one list that the other lacks, each as often as it is missing. */
function lacking(from: readonly string[], to: readonly string[]): readonly string[] {
  const left = [...to];
  return from.filter((member) => {
    const at = left.indexOf(member);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Where two lists differ in their members: a contradiction where each has one of its own, unsaid where only one has. */
export function differenceOf(
  left: readonly string[],
  right: readonly string[],
  because: string,
): Difference | undefined {
  const [here, there] = [lacking(left, right).length, lacking(right, left).length];
  return here + there === 0 ? undefined : { because, isUnsaid: here === 0 || there === 0 };
}
