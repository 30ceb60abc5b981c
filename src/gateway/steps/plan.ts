import type { StepDefinition } from "../step-definition.ts";

/** Names to ordered candidates; the protocol knows how. A failure here is the gateway's own, not a denial. */
export const plan: StepDefinition = {
  name: "plan",
  per: "operation",
  create() {
    return {
      name: "plan",
      onException: "failure",
      enter(context) {
        const candidates = context.work.plan(context);
        if (candidates instanceof Promise) return candidates.then((late) => void (context.candidates = late));
        context.candidates = candidates;
      },
    };
  },
};
