import { lexicalGuards } from "./guards/registry.ts";
import type { SameGuard } from "./guards/guard.ts";
import { readQuestion } from "./question/question.ts";

/** Whether the answer to one question may be given to another. `because`: the guard that refused and why, fit for the journal. */
export interface Judgement {
  readonly same: boolean;
  readonly because: string;
}

/* Beyond this a text is no question but a document: two that differ anywhere are not compared word by word. In UTF-16 units. */
const MOST_CHARACTERS = 4_096;

/**
 * Whether what was answered to `stored` may answer `asked`, once an embedder found them similar. Refuses at the first guard that sees a
 * difference. `guards`: those of the embedder, which found them this near.
 */
export function mayAnswer(
  asked: string,
  stored: string,
  guards: readonly SameGuard[] = lexicalGuards,
  score = 1,
): Judgement {
  if (asked === stored) return { same: true, because: "equal" };
  if (asked.length > MOST_CHARACTERS || stored.length > MOST_CHARACTERS)
    return { same: false, because: "length: too long to compare" };
  const left = readQuestion(asked);
  const right = readQuestion(stored);
  for (const guard of guards) {
    const difference = guard.differs(left, right, score);
    if (difference !== undefined) return { same: false, because: `${guard.name}: ${difference}` };
  }
  return { same: true, because: "no guard saw a difference" };
}
