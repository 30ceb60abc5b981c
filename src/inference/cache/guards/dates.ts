import type { Question } from "../question/question.ts";
import { type SameGuard, differenceOf } from "./guard.ts";

const MONTHS = "january february march april may june july august september october november december".split(" ");
const DAYS = "sunday monday tuesday wednesday thursday friday saturday".split(" ");
const TIMES = new Set(
  `today tomorrow yesterday tonight recently noon midnight morning afternoon evening night weekend weekday
  spring summer autumn winter easter christmas halloween thanksgiving ramadan hanukkah diwali passover
  pm bc ad bce ce last next previous past upcoming future`.split(/\s+/),
);
/* Month and season names that are other words as well; what goes before tells which. */
const AMBIGUOUS = new Set(["may", "march", "fall", "spring"]);
const BEFORE_TIME = new Set("in of since until till by for last next this early late mid during every".split(" "));
/* Abbreviations count with a capital alone: `mar`, `dec` and `wed` are words as well. */
const SHORT = /^(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu(?:rs)?|Fri)$/;

const DATES =
  /\b\d{1,4}([/.-])\d{1,2}\1\d{1,4}\b|\b\d{1,2}[:.h]\d{2}\b|\b\d{2,4}['’]?s\b|\bQ[1-4]\b|\b(?:in |since |year )\d{4}\b/g;

function timeOf({ words }: Question, at: number): string | undefined {
  const { plain = "", written = "" } = words[at] ?? {};
  const single = plain.replace(/s$/, "");
  const before = words[at - 1]?.plain ?? "";
  if (AMBIGUOUS.has(plain)) {
    const nearDigits = /^\d/.test(before) || /^\d/.test(words[at + 1]?.plain ?? "");
    const isNamed = words[at]?.opens === false && /^(?:March|May)$/.test(written);
    return BEFORE_TIME.has(before) || nearDigits || isNamed
      ? plain === "fall"
        ? "autumn"
        : plain.slice(0, 3)
      : undefined;
  }
  if (MONTHS.includes(plain) || DAYS.includes(single) || SHORT.test(written)) return plain.slice(0, 3);
  if (TIMES.has(single)) return single;
  return TIMES.has(plain) ? plain : undefined;
}

/** The dates, days, seasons and times of day of a question. */
function datesOf(question: Question): readonly string[] {
  const spelt = [...question.text.matchAll(DATES)].map(([date]) => date.replace(/['’]/g, "").toLowerCase());
  const named = question.words.flatMap((_, at) => timeOf(question, at) ?? []);
  /* `the color of leaves in the fall` says with a word what another asker leaves out; nothing is left out here. */
  return [...spelt, ...new Set(named)];
}

/** Other dates, days, seasons, times of day, or another tense of time. */
export const dates: SameGuard = {
  name: "dates",
  differs: (asked, stored) => differenceOf(datesOf(asked), datesOf(stored), "they speak of different times"),
};
