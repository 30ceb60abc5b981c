import { asking } from "./asking.ts";
import { code } from "./code.ts";
import { coverage } from "./coverage.ts";
import { dates } from "./dates.ts";
import { form } from "./form.ts";
import { direction } from "./direction.ts";
import type { SameGuard } from "./guard.ts";
import { names } from "./names.ts";
import { language } from "./language.ts";
import { negation } from "./negation.ts";
import { numbers } from "./numbers.ts";
import { person } from "./person.ts";
import { scope } from "./scope.ts";
import { signs } from "./signs.ts";
import { particles } from "./particles.ts";
import { wordform } from "./wordform.ts";
import { material } from "./material.ts";
import { order } from "./order.ts";
import { tense } from "./tense.ts";
import { units } from "./units.ts";
import { versions } from "./versions.ts";
import { wording } from "./wording.ts";

/** What is asked of two similar questions before one answers for the other, whatever embedder found them; the cheapest first. */
export const sameGuards: readonly SameGuard[] = [
  signs,
  asking,
  numbers,
  negation,
  person,
  scope,
  form,
  tense,
  names,
  units,
  dates,
  versions,
  direction,
  code,
  particles,
  wordform,
  material,
  order,
];

/** And of questions that a model of sentences found. */
export const sentenceGuards: readonly SameGuard[] = [language, ...sameGuards, wording];

/** And of questions that an embedder found which knows words, not what they mean. */
export const lexicalGuards: readonly SameGuard[] = [language, ...sameGuards, coverage];
