import type { SameGuard } from "./guard.ts";

/** Another kind of question: where instead of when, how instead of why. A question without a question word goes with any. */
export const asking: SameGuard = {
  name: "asking",
  differs: ({ asking: left }, { asking: right }) =>
    left === right || left === "open" || right === "open" ? undefined : "they ask for different things",
};
