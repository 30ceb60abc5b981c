import { GatewayError } from "../../core/errors.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Hands the exchange to its protocol, which finds the operations in it and has each carried out. */
export const classify: StepDefinition = {
  name: "classify",
  per: "exchange",
  create({ handlers }) {
    return {
      name: "classify",
      enter(exchange) {
        const handler = handlers[exchange.route.protocol];
        if (handler === undefined) throw new GatewayError("internal", "This route has no protocol behind it.");
        return handler.handle(exchange);
      },
    };
  },
};
