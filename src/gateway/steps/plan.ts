import { GatewayError } from "../../core/errors.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Names to ordered candidates; the protocol knows how. A failure here is the gateway's own, not a denial. */
export const plan: StepDefinition = {
  name: "plan",
  per: "operation",
  create() {
    const fail = (thrown: unknown): never => {
      throw GatewayError.from(thrown);
    };
    return {
      name: "plan",
      enter(context) {
        try {
          const candidates = context.work.plan(context);
          if (candidates instanceof Promise) {
            return candidates.then((late) => void (context.candidates = late), fail);
          }
          context.candidates = candidates;
        } catch (thrown) {
          fail(thrown);
        }
      },
    };
  },
};
