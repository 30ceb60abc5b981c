import { deny } from "../../core/decision.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Rate } from "../../core/units.ts";
import type { StepDefinition } from "../step-definition.ts";

const longestClientWaitMs = 60_000;

function tooFast({ amount, perMs }: Rate, waitMs: number): GatewayError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new GatewayError(
    "rate_limited",
    `You may start ${amount} operations in ${perMs / 1_000} s; none is left. Try again in ${seconds} s.`,
    {
      headers: {
        "retry-after": String(seconds),
        /* The official clients take no wait over a minute, and would try again at once instead. */
        "x-should-retry": String(waitMs <= longestClientWaitMs),
        "retry-after-ms": String(Math.ceil(waitMs)),
        "x-ratelimit-limit-requests": String(amount),
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": `${seconds}s`,
      },
    },
  );
}

/* The caller is an agent's model more often than not: it is told what else to do. */
function inCircle(circle: readonly string[]): GatewayError {
  const [agent = ""] = circle;
  return new GatewayError(
    "denied",
    `This would hand the work back to ${agent}, which is already at it (${circle.join(" → ")}). Answer with what you have, or ask another agent.`,
    { data: { refusal: "loop", agent, path: circle } },
  );
}

/**
 * Refuses what this process should not take on: too many operations at once, in all or of one principal, too fast a caller, a chain of
 * handoffs that is too long or goes in a circle. Looks at nothing outside this process, so refusing stays cheap under load.
 */
export const admit: StepDefinition = {
  name: "admit",
  per: "operation",
  create({ limits, inFlight, pace, loops, meter }) {
    const refused = meter.counter("chain_loops_refused_total", "Hand-offs refused because they went in a circle", []);
    return {
      name: "admit",
      enter(context) {
        const { exchange, operation } = context;
        /* Part of a call that was admitted. */
        if (operation.own !== undefined) return;
        if (exchange.chain.depth > limits.hops) {
          throw new GatewayError(
            "denied",
            `This request was handed on ${exchange.chain.depth} times; the limit is ${limits.hops}.`,
          );
        }
        const circle = limits.loops === "refuse" ? loops.find(exchange, operation) : undefined;
        if (circle !== undefined) {
          refused.add([]);
          context.decision = deny("no loops", `handed in a circle: ${circle.join(", ")}`);
          throw inCircle(circle);
        }
        const refusal = inFlight.take(exchange.principal.id, limits);
        if (refusal !== undefined) {
          throw new GatewayError("overloaded", refusal, { headers: { "retry-after": "1", "retry-after-ms": "1000" } });
        }
        context.admitted = true;
        /* Handshakes and lists are free: a client opens a session for every call (LangGraph, CrewAI). */
        if (limits.rate !== undefined && operation.judged) {
          const waitMs = pace.take(exchange.principal.id, limits.rate);
          if (waitMs > 0) throw tooFast(limits.rate, waitMs);
        }
      },
      end(context) {
        if (context.admitted) inFlight.release(context.exchange.principal.id);
      },
    };
  },
};
