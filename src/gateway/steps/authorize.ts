import { allow, type Decision } from "../../core/decision.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Route } from "../../core/exchange.ts";
import type { StepDefinition } from "../step-definition.ts";

const handshake = allow("any principal");

/** CEL judges the operation, then each candidate it could be sent to; candidates that are denied are dropped. */
export const authorize: StepDefinition = {
  name: "authorize",
  per: "operation",
  create({ authz, auth }) {
    const refuse = (decision: Extract<Decision, { allow: false }>, route: Route): GatewayError =>
      decision.scopes === undefined
        ? new GatewayError("denied", decision.message ?? "Policy does not allow this request.")
        : auth.stepUp(route, decision.scopes);
    return {
      name: "authorize",
      enter(context) {
        const { exchange, operation } = context;
        if (!operation.judged) {
          context.decision = handshake;
          return;
        }
        context.decision = authz.authorize(exchange, operation);
        if (!context.decision.allow) throw refuse(context.decision, exchange.route);
        context.candidates = context.candidates.filter((candidate) => {
          if (candidate.variables === undefined) return true;
          const decision = authz.authorize(exchange, operation, candidate);
          if (!decision.allow) context.decision = decision;
          return decision.allow;
        });
        if (context.candidates.length === 0 && !context.decision.allow) throw refuse(context.decision, exchange.route);
      },
    };
  },
};
