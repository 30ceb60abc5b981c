import type { StepDefinition } from "../step-definition.ts";

/**
 * Looks for an answer that was given before, or joins an equal call under way; keeps what comes. Chooses whom to ask, where that had to
 * wait for the guards. A failure here is the gateway's own.
 */
export const recall: StepDefinition = {
  name: "recall",
  per: "operation",
  create({ spend }) {
    return {
      name: "recall",
      onException: "failure",
      enter(context) {
        const recalled = context.work.recall?.(context);
        if (recalled instanceof Promise) return recalled.then((late) => void (context.recalled = late));
        context.recalled = recalled;
      },
      end(context, outcome) {
        const { recalled } = context;
        if (recalled === undefined) return;
        recalled.end(outcome);
        const { savedNanos = 0 } = recalled;
        if (savedNanos > 0 && outcome.status === "ok") spend.save(context, savedNanos);
      },
    };
  },
};
