import type { Asking } from "../question/asking.ts";
import type { SameGuard } from "./guard.ts";

/* `Can I freeze it?` asks whether, and as often how. */
const fits = (one: Asking, other: Asking): boolean =>
  one === "open" || (one === "may" && (other === "how" || other === "whether"));

/** Another kind of question: where instead of when, how instead of why. A question without a question word goes with any. */
export const asking: SameGuard = {
  name: "asking",
  differs: ({ asking: left }, { asking: right }) =>
    left === right || fits(left, right) || fits(right, left) ? undefined : "they ask for different things",
};
