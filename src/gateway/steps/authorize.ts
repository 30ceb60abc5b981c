import { allow, type Decision } from "../../core/decision.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Route } from "../../core/exchange.ts";
import type { StepDefinition } from "../step-definition.ts";

type Refusal = Extract<Decision, { allow: false }>;

const handshake = allow("any principal");
const ownCall = allow("the gateway's own");

/** CEL judges the operation, then each candidate it could be sent to; candidates that are denied are dropped. */
export const authorize: StepDefinition = {
  name: "authorize",
  per: "operation",
  create({ authz, auth }) {
    const refuse = (decision: Refusal, route: Route): GatewayError =>
      decision.scopes === undefined
        ? new GatewayError("denied", decision.message ?? "Policy does not allow this request.")
        : auth.stepUp(route, decision.scopes);
    return {
      name: "authorize",
      enter(context) {
        const { exchange, operation } = context;
        if (!operation.judged) {
          context.decision = operation.own === undefined ? handshake : ownCall;
          return;
        }
        context.decision = authz.authorize(exchange, operation);
        if (!context.decision.allow) throw refuse(context.decision, exchange.route);
        const refused: Refusal[] = [];
        context.candidates = context.candidates.filter((candidate) => {
          if (candidate.variables === undefined) return true;
          const decision = authz.authorize(exchange, operation, candidate);
          if (!decision.allow) refused.push(decision);
          return decision.allow;
        });
        const [first] = refused;
        if (context.candidates.length > 0 || first === undefined) return;
        context.decision = first;
        throw refuse(first, exchange.route);
      },
    };
  },
};
