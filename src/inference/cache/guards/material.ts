import type { Question } from "../question/question.ts";
import { type SameGuard, differenceOf } from "./guard.ts";

/* What a task is to be done with stands after a colon or on a line of its own; before it, more than a label. */
const BEGINS = /:\s|\n/;

/* `A tap drips: how is it fixed?` has its question behind the colon. */
const ASKS = /\?$|\b(?:how|what|which|who|why|when|where)\b/i;

function materialOf({ text }: Question): readonly string[] {
  const whole = text.trim();
  const at = whole.search(BEGINS);
  if (at < 0 || !/\s/.test(whole.slice(0, at))) return [];
  const material = whole
    .slice(at + 1)
    .replace(/\s+/g, " ")
    .trim();
  return ASKS.test(material) ? [] : [material];
}

/** Other material for a task, letter by letter: in what is to be translated or corrected a form is another thing. */
export const material: SameGuard = {
  name: "material",
  differs: (asked, stored) => differenceOf(materialOf(asked), materialOf(stored), "they are about different texts"),
};
