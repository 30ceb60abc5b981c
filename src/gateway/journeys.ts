import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { protocols, type Protocol } from "../core/operation.ts";
import type { Operate, Outcome } from "../core/step.ts";
import { composeJourney, type GatewayStep } from "./compose.ts";
import type { GatewayExchange } from "./gateway-exchange.ts";
import type { Parts } from "./parts.ts";
import type { ExchangeStep } from "./step-definition.ts";
import { steps } from "./steps.ts";

/** What is done for an exchange outside of all steps. */
export interface Front {
  /** Answers a failure, before the steps end. */
  refuse(exchange: GatewayExchange, error: GatewayError): void;
  /** The steps have ended. */
  left(exchange: GatewayExchange): void;
}

/** The table of steps, made ready for one protocol. */
export interface ProtocolJourney {
  /** Takes one exchange through its steps; resolves when its answer is complete. */
  readonly exchange: (exchange: GatewayExchange, front: Front) => Promise<void>;
  readonly operate: Operate;
}

/** Composes the table once per config epoch. */
export function createJourneys(parts: Parts, clock: Clock): Readonly<Record<Protocol, ProtocolJourney>> {
  const build = (protocol: Protocol): ProtocolJourney => {
    const exchangeSteps: ExchangeStep[] = [];
    const operation: GatewayStep[] = [];
    const candidate: GatewayStep[] = [];
    for (const [definition, ...serves] of steps) {
      if (!serves.includes(protocol)) continue;
      if (definition.per === "exchange") exchangeSteps.push(definition.create(parts));
      else {
        const step = definition.create(parts, protocol);
        /* One that has nothing to do in this configuration costs nothing. */
        if (step.enter === undefined && step.answer === undefined && step.end === undefined) continue;
        (definition.per === "operation" ? operation : candidate).push(step);
      }
    }
    return {
      exchange: composeExchange(exchangeSteps, clock),
      operate: composeJourney({ operation, candidate }, clock, parts.failover),
    };
  };
  return Object.fromEntries(protocols.map((protocol) => [protocol, build(protocol)])) as Record<
    Protocol,
    ProtocolJourney
  >;
}

function composeExchange(exchangeSteps: readonly ExchangeStep[], clock: Clock) {
  return async (exchange: GatewayExchange, front: Front): Promise<void> => {
    const startedAt = clock.monotonic();
    let entered = 0;
    let error: GatewayError | undefined;
    try {
      for (const step of exchangeSteps) {
        entered++;
        const pending = step.enter(exchange);
        if (pending !== undefined) await pending;
      }
    } catch (thrown) {
      error = GatewayError.from(exchange.signal.aborted ? exchange.signal.reason : thrown);
      front.refuse(exchange, error);
    } finally {
      const outcome: Outcome = {
        status: statusOf(error),
        durationMs: clock.monotonic() - startedAt,
        ...(error && { error }),
      };
      endSteps(exchangeSteps, entered, exchange, outcome);
      front.left(exchange);
    }
  };
}

function endSteps(
  exchangeSteps: readonly ExchangeStep[],
  entered: number,
  exchange: GatewayExchange,
  outcome: Outcome,
): void {
  for (let index = entered - 1; index >= 0; index--) {
    const step = exchangeSteps[index];
    try {
      step?.end?.(exchange, outcome);
    } catch (thrown) {
      exchange.log.error({ step: step?.name, error: thrown }, "a step failed to end");
    }
  }
}

function statusOf(error: GatewayError | undefined): Outcome["status"] {
  if (error === undefined) return "ok";
  if (error.kind === "draining") return "drained";
  if (error.kind === "cancelled") return "aborted";
  return error.spec.source === "client" && error.spec.status < 404 ? "denied" : "failed";
}
