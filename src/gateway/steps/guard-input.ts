import type { StepDefinition } from "../step-definition.ts";

/** What the caller says is inspected before it leaves. */
export const guardInput: StepDefinition = {
  name: "guard input",
  per: "operation",
  create({ guard }) {
    return { name: "guard input", enter: (context) => guard.check(context) };
  },
};
