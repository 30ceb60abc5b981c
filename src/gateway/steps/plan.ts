import { GatewayError } from "../../core/errors.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Names to ordered candidates; the protocol knows how. A failure here is the gateway's own, not a denial. */
export const plan: StepDefinition = {
  name: "plan",
  per: "operation",
  create() {
    return {
      name: "plan",
      async enter(context) {
        try {
          context.candidates = await context.work.plan(context);
        } catch (thrown) {
          throw GatewayError.from(thrown);
        }
      },
    };
  },
};
