import { accountOf } from "../live-chain.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Keeps the account of the chain: how many operations it took, and what they cost. */
export const watch: StepDefinition = {
  name: "watch",
  per: "operation",
  create({ accounts }) {
    return {
      name: "watch",
      enter({ operation, exchange }) {
        if (operation.judged) accounts.add(accountOf(exchange.chain), 1, 0);
      },
      end({ operation, exchange, costNanos }) {
        if (operation.judged && costNanos !== undefined && costNanos > 0)
          accounts.add(accountOf(exchange.chain), 0, costNanos);
      },
    };
  },
};
