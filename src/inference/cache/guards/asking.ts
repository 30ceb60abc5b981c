import type { Asking } from "../question/asking.ts";
import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction } from "./guard.ts";

/* `Can I freeze it?` asks whether, and as often how. */
const fits = (one: Asking, other: Asking): boolean =>
  one === "open" || (one === "may" && (other === "how" || other === "whether"));

/* `What is the best way` and `how`, `which month` and `when` may ask for the same; none of these for what another of them does. */
const POINTED: ReadonlySet<Asking> = new Set<Asking>(["why", "when", "where", "who", "amount", "whether"]);
const excludes = (one: Asking, other: Asking): boolean =>
  (POINTED.has(one) && POINTED.has(other)) || (one === "how" && other === "why");

/* What is measured: `how many weeks` is how long, and `after how long` how often. */
const MEASURES =
  /(?<!\bafter )\bhow (?:(long|many (?:seconds|minutes|hours|days|weeks|months|years)|much time)|(far)|(tall|high)|(big|large)|(fast|quickly)|(often|frequently|many times)|(old)|(heavy)|(many|much))\b/i;
const measureOf = ({ text }: Question): number =>
  (MEASURES.exec(text) ?? []).findIndex((found, at) => at > 0 && found !== undefined);

/** Another kind of question: where instead of when, how instead of why. A question without a question word goes with any. */
export const asking: SameGuard = {
  name: "asking",
  differs(asked, stored) {
    const [measure, other] = [measureOf(asked), measureOf(stored)];
    if (measure > 0 && other > 0 && measure !== other) return contradiction("they ask for different measures");
    const [left, right] = [asked.asking, stored.asking];
    if (left === right || fits(left, right) || fits(right, left)) return undefined;
    const isUnsaid = !excludes(left, right) && !excludes(right, left);
    return { because: "they ask for different things", isUnsaid };
  },
};
