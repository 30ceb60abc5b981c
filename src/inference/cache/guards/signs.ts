import { type SameGuard, contradiction } from "./guard.ts";

/*
 * What is no word and that a model reads all the same: emoji, letters without a width, tags and selectors in which a sentence can hide.
 * A word is read without its marks; those that belong to a letter are one with it in NFC.
 */
const SIGNS = /[\p{C}\p{M}\p{So}\p{Sk}\p{Sm}]/gu;
/* Those of ASCII are read as code. */
const SAYS_NOTHING = /[\n\r\t°`^+<>=|~]/g;
/* `what does ! mean`: a sign that is spoken of stands by itself, and not at the end. */
const SPOKEN_OF = /(?<=\s)[!?.,;:"'()]+(?=\s+[\p{L}\p{N}])/gu;

const signsOf = (text: string): string =>
  [...(text.normalize("NFC").replace(SAYS_NOTHING, " ").match(SIGNS) ?? []), ...(text.match(SPOKEN_OF) ?? [])].join(
    " ",
  );

/** Other signs that are no words, or in another order. Whoever shares answers must not be able to ask more than can be seen. */
export const signs: SameGuard = {
  name: "signs",
  differs: (asked, stored) =>
    signsOf(asked.text) === signsOf(stored.text) ? undefined : contradiction("they hold different signs"),
};
