import type { StepDefinition } from "../step-definition.ts";

/** Opens the exchange: it is counted from here on, and ends with its credential. */
export const receive: StepDefinition = {
  name: "receive",
  per: "exchange",
  create({ open, exchanges }) {
    return {
      name: "receive",
      enter(exchange) {
        open.add(exchange);
        exchanges.began();
      },
      end(exchange, outcome) {
        open.remove(exchange);
        exchanges.ended(exchange, outcome);
      },
    };
  },
};
