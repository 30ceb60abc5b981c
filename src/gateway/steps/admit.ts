import { GatewayError } from "../../core/errors.ts";
import type { StepDefinition } from "../step-definition.ts";

/**
 * Refuses what this process should not take on: too many operations at once, in all or of one principal, or a chain of
 * handoffs that is too long. Looks at nothing outside this process, so refusing stays cheap under load.
 */
export const admit: StepDefinition = {
  name: "admit",
  per: "operation",
  create({ limits, inFlight }) {
    return {
      name: "admit",
      enter({ id, exchange }) {
        if (exchange.chain.depth > limits.hops) {
          throw new GatewayError(
            "denied",
            `This request was handed on ${exchange.chain.depth} times; the limit is ${limits.hops}.`,
          );
        }
        const refusal = inFlight.take(id, exchange.principal.id, limits);
        if (refusal !== undefined) {
          throw new GatewayError("overloaded", refusal, { headers: { "retry-after": "1", "retry-after-ms": "1000" } });
        }
      },
      end({ id }) {
        inFlight.release(id);
      },
    };
  },
};
