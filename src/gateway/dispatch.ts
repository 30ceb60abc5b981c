import type { Express } from "express";
import { GatewayError } from "../core/errors.ts";
import type { Route } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Dispatch } from "../http/edge.ts";
import { usualMethods } from "../http/methods.ts";
import type { Epoch } from "./epoch.ts";
import type { Front } from "./journeys.ts";
import { renderPlainError } from "./render-plain-error.ts";
import { createExchange, type GatewayExchange } from "./gateway-exchange.ts";

/** Who is told that an epoch is still in use. */
export interface EpochUse {
  readonly current: () => Epoch;
  enter(epoch: Epoch): void;
  leave(epoch: Epoch): void;
}

/** The front door behind the edge: finds the route, opens the exchange, and answers every failure in the caller's protocol. */
export function createDispatch(use: EpochUse, control: Express, log: Log): Dispatch {
  const front: Front = {
    refuse(exchange, error) {
      logFailure(exchange, error);
      if (!exchange.reply.started) send(exchange, error);
    },
    left(exchange) {
      exchange.forgetBody();
      use.leave(exchange.epoch);
    },
  };
  return (incoming) => {
    const epoch = use.current();
    const route = epoch.routes.match(incoming.request);
    if (route === "control") {
      if (!usualMethods.has(incoming.request.method)) throw notServed();
      const { req, res } = incoming.raw();
      control(req, res);
      return;
    }
    if (route === undefined) throw new GatewayError("not_found", `Nothing is served at ${incoming.request.path}.`);
    const exchange = createExchange(incoming, route, epoch, log);
    if (!route.methods.includes(incoming.request.method)) return front.refuse(exchange, methodNotAllowed(route));
    use.enter(epoch);
    return epoch.journeys[route.protocol].exchange(exchange, front);
  };
}

const notServed = () => new GatewayError("method_not_allowed", "This method is not served here.");

function send(exchange: GatewayExchange, error: GatewayError): void {
  const { route, epoch, reply, bodyValue } = exchange;
  const rendered =
    epoch.handlers[route.protocol]?.renderError(error, exchange, bodyValue) ??
    renderPlainError(error, route.path, epoch.routes);
  reply.send(rendered.status, { ...rendered.headers, ...error.headers }, rendered.body);
}

function methodNotAllowed(route: Route): GatewayError {
  return new GatewayError("method_not_allowed", `${route.path} answers ${route.methods.join(", ")}.`, {
    headers: { allow: route.methods.join(", ") },
  });
}

/** Failures of the gateway and its upstreams are worth a line; a caller's own mistakes are in the metrics and the journal. */
function logFailure(exchange: GatewayExchange, error: GatewayError): void {
  const { source } = error.spec;
  if (error.kind === "internal" || (error.kind === "denied" && error.cause !== undefined)) {
    exchange.log.error({ kind: error.kind, route: exchange.route.path, error }, "a request failed inside the gateway");
  } else if (source === "upstream") {
    exchange.log.warn({ kind: error.kind, route: exchange.route.path, error }, "an upstream failed");
  } else {
    exchange.log.debug({ kind: error.kind, route: exchange.route.path }, "a request was refused");
  }
}
