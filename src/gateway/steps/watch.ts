import type { Outcome } from "../../core/step.ts";
import type { GatewayContext } from "../compose.ts";
import { accountOf } from "../live-chain.ts";
import { createHeed } from "../runaway-watch.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Keeps the account of the chain, and looks out for agents that run away. */
export const watch: StepDefinition = {
  name: "watch",
  per: "operation",
  create({ accounts, runaway, runawayConfig, clock, meter }) {
    const heed = createHeed(runawayConfig, clock, meter);
    return {
      name: "watch",
      enter(context) {
        const { operation, exchange } = context;
        if (operation.own !== undefined) accountOf(exchange.chain).helped = true;
        if (!operation.judged) return;
        const account = accountOf(exchange.chain);
        accounts.add(account, 1, 0);
        if (runaway === undefined) return;
        context.sight = runaway.begin({
          operation,
          principalId: exchange.principal.id,
          run: account.shared ? account.id : undefined,
          costs: hasPrice(context),
        });
        const { alarm } = context.sight;
        if (alarm !== undefined) return heed(context, alarm);
      },
      end(context, outcome) {
        const { operation, exchange, costNanos, sight } = context;
        if (!operation.judged && operation.own === undefined) return;
        if (costNanos !== undefined && costNanos > 0) accounts.add(accountOf(exchange.chain), 0, costNanos);
        if (sight !== undefined) runaway?.end(sight, failedOf(outcome, context), costNanos);
      },
    };
  },
};

function hasPrice({ operation, candidates }: GatewayContext): boolean {
  return operation.protocol === "llm" || candidates.some(({ price }) => price !== undefined);
}

/** A caller who went says nothing of the call, and one who was told when to come back is to make it again. */
function failedOf({ status, error }: Outcome, { complaint }: GatewayContext): boolean | "later" | undefined {
  if (status === "failed" && error?.headers["retry-after"] !== undefined) return "later";
  return status === "ok" ? complaint !== undefined : status === "aborted" || status === "drained" ? undefined : true;
}
