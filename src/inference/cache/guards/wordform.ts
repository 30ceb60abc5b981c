import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction, unsaid } from "./guard.ts";

/* Words that are used of words: then a form or a synonym is another thing. */
const OF_WORDS =
  /\b(?:spell(?:ing|ed|s)?|pronounc\w+|pronunciation|rhymes?|synonyms?|antonyms?|plural|singular|tense|conjugat\w+|declension|infinitive|participle|gerund|syllables?|letters in|vowels?|consonants?|anagrams?|palindrome|etymology|grammar|grammatical(?:ly)?|(?:this|the|a|following) (?:sentence|phrase)|words? (?:for|meaning|that)|rephrase|paraphrase|reword|rewrite|proofread|translat\w+|hyphen(?:ate|ated)?|capitali[sz]e\w*|abbreviation|acronym)\b|\bhow (?:do|would) (?:you|i|we) say\b/i;

const formsOf = ({ words, topics }: Question): readonly string[] =>
  topics.map(({ word }) => words[word]?.plain ?? "").toSorted();

const hasOtherForm = (asked: Question, stored: Question): boolean =>
  asked.topics.some(({ stem, word }) => {
    const others = stored.topics.filter((topic) => topic.stem === stem);
    return others.length > 0 && others.every((other) => stored.words[other.word]?.plain !== asked.words[word]?.plain);
  });

/** Other forms of the words, where words are what is asked of: `the past tense of run`, `how is color spelt`. */
export const wordform: SameGuard = {
  name: "wordform",
  differs(asked, stored) {
    if (!OF_WORDS.test(asked.text) && !OF_WORDS.test(stored.text)) return undefined;
    const because = "they ask of words, in other forms";
    if (hasOtherForm(asked, stored) || hasOtherForm(stored, asked)) return contradiction(because);
    return formsOf(asked).join(" ") === formsOf(stored).join(" ") ? undefined : unsaid(because);
  },
};
