import { lexicalGuards } from "./guards/registry.ts";
import type { SameGuard } from "./guards/guard.ts";
import { type Question, readQuestion } from "./question/question.ts";

/** Whether the answer to one question may be given to another. `because`: the guard that refused and why, fit for the journal. */
export interface Judgement {
  readonly same: boolean;
  readonly because: string;
}

/* Beyond this a text is no question but a document: two that differ anywhere are not compared word by word. In UTF-16 units. */
const MOST_CHARACTERS = 4_096;

/** Says of a question that was answered, and of how near an embedder found it, whether its answer may be given. */
export type Judge = (stored: string, score: number) => Judgement;

/**
 * Judges for one question. Refuses at the first guard that sees a difference. `guards`: those of the embedder, which found the others near.
 * The question is read once, however many are compared with it.
 */
export function createJudge(asked: string, guards: readonly SameGuard[]): Judge {
  let left: Question | undefined;
  return (stored, score) => {
    if (asked === stored) return { same: true, because: "equal" };
    if (asked.length > MOST_CHARACTERS || stored.length > MOST_CHARACTERS)
      return { same: false, because: "length: too long to compare" };
    left ??= readQuestion(asked);
    const right = readQuestion(stored);
    const unsaid: string[] = [];
    for (const guard of guards) {
      const difference = guard.differs(left, right, { score, unsaid });
      if (difference?.isUnsaid === true) unsaid.push(guard.name);
      else if (difference !== undefined) return { same: false, because: `${guard.name}: ${difference.because}` };
    }
    return { same: true, because: "no guard saw a difference" };
  };
}

/** The same for two questions alone. */
export const mayAnswer = (
  asked: string,
  stored: string,
  guards: readonly SameGuard[] = lexicalGuards,
  score = 1,
): Judgement => createJudge(asked, guards)(stored, score);
