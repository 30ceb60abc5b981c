import type { StepDefinition } from "../step-definition.ts";

/** Looks for an answer that was given before, or joins an equal call under way; keeps what comes. Chooses whom to ask, where that had to wait for the guards. A failure here is the gateway's own. */
export const recall: StepDefinition = {
  name: "recall",
  per: "operation",
  create() {
    return {
      name: "recall",
      onException: "failure",
      enter(context) {
        const recalled = context.work.recall?.(context);
        if (recalled instanceof Promise) return recalled.then((late) => void (context.recalled = late));
        context.recalled = recalled;
      },
      end: (context, outcome) => context.recalled?.end(outcome),
    };
  },
};
