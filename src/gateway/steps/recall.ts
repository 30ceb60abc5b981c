import type { StepDefinition } from "../step-definition.ts";

/** Looks for an answer that was given before, or joins an equal call under way; keeps what comes. A failure here is the gateway's own. */
export const recall: StepDefinition = {
  name: "recall",
  per: "operation",
  create({ cache }) {
    if (cache === undefined) return { name: "recall" };
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
