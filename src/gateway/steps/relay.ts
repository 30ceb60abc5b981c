import { GatewayError } from "../../core/errors.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Sends the operation to the candidate at hand; the protocol knows how. A failure here is the gateway's or the upstream's, not a denial. */
export const relay: StepDefinition = {
  name: "relay",
  per: "candidate",
  create({ recorder }) {
    return {
      name: "relay",
      onException: "failure",
      enter(context) {
        context.signal.throwIfAborted();
        if (context.reservation !== undefined) context.reservation.sent = true;
        if (context.candidate === undefined) throw new GatewayError("internal", "No candidate was chosen.");
        return context.work.relay(context, context.candidate);
      },
      end: (context, outcome) => recorder.attempted(context, outcome),
    };
  },
};
