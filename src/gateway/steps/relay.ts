import { GatewayError } from "../../core/errors.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Sends the operation to the candidate at hand; the protocol knows how. */
export const relay: StepDefinition = {
  name: "relay",
  per: "candidate",
  create({ recorder }) {
    return {
      name: "relay",
      async enter(context) {
        context.signal.throwIfAborted();
        if (context.candidate === undefined) throw new GatewayError("internal", "No candidate was chosen.");
        try {
          context.result = await context.work.relay(context, context.candidate);
        } catch (thrown) {
          throw GatewayError.from(thrown);
        }
      },
      end: (context, outcome) => recorder.attempted(context, outcome),
    };
  },
};
