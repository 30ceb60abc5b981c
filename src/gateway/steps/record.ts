import type { StepDefinition } from "../step-definition.ts";

/** Writes what happened, whatever happened: one record an operation in the journal, the metrics and the trace. */
export const record: StepDefinition = {
  name: "record",
  per: "operation",
  create({ recorder }) {
    return {
      name: "record",
      enter: (context) => recorder.began(context),
      end: (context, outcome) => recorder.ended(context, outcome),
    };
  },
};
