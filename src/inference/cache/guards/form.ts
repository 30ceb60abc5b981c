import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction, differenceOf } from "./guard.ts";

/* How an answer is to look or how long it is to be: `in one word`, `as a table`, `with examples`, `step by step`, `briefly`. */
const FORMS =
  /\b(?:in|as|with|within|using|at) (?:\w+ ){0,2}?(words?|sentences?|paragraphs?|lines?|pages?|bullets?|points?|lists?|tables?|json|xml|yaml|csv|markdown|html|rhymes?|verse|details?|depth|length|brief|short|full|examples?)\b|\b(step by step|briefly|concisely)\b/gi;

const formsOf = ({ text }: Question): readonly string[] =>
  [...text.matchAll(FORMS)].map(([, noun, adverb]) => (noun ?? adverb ?? "").toLowerCase().replace(/s$/, ""));

/** Answers that are to look otherwise. */
export const form: SameGuard = {
  name: "form",
  differs(asked, stored) {
    const difference = differenceOf(formsOf(asked), formsOf(stored), "they want answers of different forms");
    return difference && contradiction(difference.because);
  },
};
