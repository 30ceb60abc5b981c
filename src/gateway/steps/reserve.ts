import { isCounted } from "../../budgets/budget.ts";
import type { Reservation } from "../../budgets/reservation.ts";
import type { GatewayContext, GatewayStep } from "../compose.ts";
import type { StepDefinition } from "../step-definition.ts";
import type { Parts } from "../parts.ts";

/** Reserves the call to the candidate at hand before it is sent, and books what it used when it is over, however it ends. */
function toStep({ budgets, spend }: Parts): GatewayStep {
  const take = (context: GatewayContext, reservation: Reservation): void => {
    context.reservation = reservation;
    if (reservation.edit !== undefined) context.edits = [...context.edits, reservation.edit];
  };
  return {
    name: "reserve",
    enter(context) {
      const reservation = budgets.reserve(context);
      if (reservation instanceof Promise) return reservation.then((late) => take(context, late));
      take(context, reservation);
    },
    end(context, outcome) {
      const { reservation } = context;
      if (reservation === undefined) return;
      context.reservation = undefined;
      const bill = reservation.settle(context, outcome);
      const { costNanos } = bill;
      if (isCounted(context.operation) && reservation.sent) spend.add(context, bill);
      if (costNanos !== undefined) context.costNanos = (context.costNanos ?? 0) + costNanos;
      if (reservation.edit !== undefined) context.edits = context.edits.filter((edit) => edit !== reservation.edit);
    },
  };
}

export const reserve: StepDefinition = { name: "reserve", per: "candidate", create: toStep };

/** The same for models, whose answers are counted as they stream where a budget bounds them. */
export const reserveTokens: StepDefinition = {
  name: "reserve",
  per: "candidate",
  create(parts) {
    const step = toStep(parts);
    if (!parts.budgets.countsStreams) return step;
    return {
      ...step,
      /* A whole answer says itself what it used. */
      answers: ({ operation }) => operation.mode === "stream",
      answer(context, event) {
        const counted = context.reservation?.count(event);
        return counted === undefined ? event : counted.then(() => event);
      },
    };
  },
};
