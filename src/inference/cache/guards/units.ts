import type { Question } from "../question/question.ts";
import { type SameGuard, differenceOf } from "./guard.ts";

/* Each line is one unit. A unit written in letters whose case matters (SI prefixes, bit and byte) is left in its case. */
const UNITS = `
mm millimeter millimetre|cm centimeter centimetre|km kilometer kilometre|meter metre|inch inches|foot feet ft|yard|mile mi
mg milligram|kg kilogram kilo|gram|ounce oz|lb lbs pound|ton tonne|stone
ml milliliter millilitre|cl|dl|liter litre|gallon|pint|quart|cup|teaspoon tsp|tablespoon tbsp
nanosecond ns|microsecond µs us|millisecond ms|second sec secs|minute min mins|hour hr hrs hourly|day daily|week weekly|month monthly|year yearly annual annually|decade|century centuries
quarterly
celsius °c|fahrenheit °f|kelvin
percent percentage %|dollar $ usd|euro € eur|£ gbp sterling|yen ¥ jpy|yuan cny|rupee ₹ inr|cent
square|cubic|acre|hectare|volt|amp ampere|watt|kilowatt|megawatt|hertz|byte|kilobyte|megabyte|gigabyte|terabyte|bit|pixel px|token|calorie kcal|joule
mph|kph kmh|rpm|fps|ppm`;
const names = new Map<string, string>();
for (const line of UNITS.split(/[|\n]/)) {
  const spellings = line.trim().split(" ");
  for (const spelling of spellings)
    names.set(spelling, spellings[0] ?? spelling).set(`${spelling}s`, spellings[0] ?? spelling);
}

/* Short forms that are words or initials of their own mean a unit only after a number, and `us` never without. */
const SHORT = 2;
const AFTER_NUMBER = /(?<![\d.,])\d[\d.,]*\s?(°?[\p{L}µ]+(?:\/[\p{L}]+)?|%)/gu;
const SIGNS = /[$€£¥₹%]|°[CF]/g;
/* Ordinals, decades, hours of the day and versions are no units. */
const NO_UNIT = /^(?:st|nd|rd|th|s|am|pm|x)$/i;

/** The units of a question, one spelling each. */
function unitsOf({ text, words }: Question): readonly string[] {
  const found: string[] = [];
  for (const [whole, unit = ""] of text.matchAll(AFTER_NUMBER)) {
    const known = names.get(unit.toLowerCase());
    /* Mb and MB, mW and MW: what is glued to a number and short is compared as it is written. */
    if (unit.length <= 4 && !/\s/.test(whole) && !NO_UNIT.test(unit) && /\p{Lu}/u.test(unit)) found.push(unit);
    else if (known !== undefined && unit.length <= SHORT) found.push(known);
    else if (unit.length <= 4 && /^(?:[kMGTmµn]i?[bBWVAJ]|[kMGT]Hz|[kMGT][bB]ps|[WVAJKgmlLCF])$/.test(unit))
      found.push(unit);
  }
  for (const [sign] of text.matchAll(SIGNS)) found.push(names.get(sign.toLowerCase()) ?? sign);
  for (const [at, { plain }] of words.entries()) {
    /* `in what year`: it asks for a time, and says none. */
    if (/^wh(?:at|ich)$/.test(words[at - 1]?.plain ?? "")) continue;
    const known = plain.length > SHORT ? names.get(plain) : undefined;
    if (known !== undefined) found.push(known);
  }
  return [...new Set(found)];
}

/** Other units or currencies. */
export const units: SameGuard = {
  name: "units",
  differs: (asked, stored) => differenceOf(unitsOf(asked), unitsOf(stored), "they say different units"),
};
