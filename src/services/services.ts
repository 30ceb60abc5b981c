import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Operation, Target } from "../core/operation.ts";
import type { Operate, ProtocolHandler, RenderedError } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { ServicesConfig } from "./config.ts";
import { Endpoints } from "./endpoints.ts";
import { OWN_NAME } from "./headers.ts";
import { preflightMethodOf } from "./match-table.ts";
import { locationOf } from "./redirect.ts";
import { createRelay } from "./relay.ts";
import type { Backend, Rule } from "./rule.ts";
import { isRuleRoute, type RuleRoute } from "./rule-route.ts";

export interface ServicesOptions {
  readonly services: ServicesConfig;
  /** Its port is the one that redirects go to when they name none. */
  readonly publicUrl: URL;
  readonly operate: Operate;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly log: Log;
}

/** Ordinary services behind the gateway: each request is one operation, and its body is passed on unread. */
export function createServices(options: ServicesOptions): ProtocolHandler {
  const { publicUrl, operate, clock } = options;
  const services = new Map(
    Object.entries(options.services).map(([name, config]) => [name, new Endpoints(name, config, clock)]),
  );
  const relay = createRelay({ ...options, services });

  return {
    async handle(exchange) {
      const { request, reply } = exchange;
      const route = ruleRouteOf(exchange);
      const { rule } = route;
      if (rule.cors !== undefined && preflightMethodOf(request) !== undefined)
        return reply.send(204, rule.cors.preflight(request));
      checkCircle(request);
      const backend = rule.redirect === undefined ? rule.choose() : undefined;
      const operation = toOperation(exchange, backend);
      const done = operate(exchange, operation, {
        plan: () => [{ name: backend?.service ?? "none" }],
        async relay(context) {
          if (rule.redirect !== undefined)
            return reply.send(rule.redirect.status, {
              location: locationOf(request, rule.redirect, route.prefix, publicUrl),
              ...rule.cors?.answer(request),
            });
          if (backend?.service === undefined)
            throw new GatewayError("internal", "This route leads to no service.", { cause: backend?.why });
          await relay(context, route, backend);
        },
      });
      await done.catch((error: unknown) => {
        // Half an answer must not look like a whole one.
        if (reply.started) reply.destroy();
        throw error;
      });
    },
    renderError: (error, exchange) =>
      renderError(error, exchange, isRuleRoute(exchange.route) ? exchange.route.rule : undefined),
    close: () => Promise.resolve(),
  };
}

function ruleRouteOf({ route }: Exchange): RuleRoute {
  if (isRuleRoute(route)) return route;
  throw new GatewayError("internal", "This is no route to a service.");
}

/* A service may be this gateway, or lead back to it: each round adds a name to `via`. */
function checkCircle({ headers }: CanonicalRequest): void {
  const rounds = (headers["via"]?.split(OWN_NAME).length ?? 1) - 1;
  if (rounds > MAX_ROUNDS)
    throw new GatewayError("denied", `This request has passed a gateway ${rounds} times: its route leads in a circle.`);
}

const MAX_ROUNDS = 8;

function toOperation({ request, route }: Exchange, backend: Backend | undefined): Operation {
  const target: Target =
    backend?.service === undefined
      ? { kind: "none", name: "", server: route.path }
      : { kind: "service", name: backend.service, server: route.path };
  return {
    protocol: "http",
    method: request.method,
    direction: "to-target",
    mode: "call",
    target,
    judged: true,
    variables: {},
  };
}

function renderError(error: GatewayError, { request }: Exchange, rule: Rule | undefined): RenderedError {
  return {
    status: error.spec.status,
    headers: {
      ...rule?.cors?.answer(request),
      "content-type": "application/json",
      "x-should-retry": String(error.spec.retry),
    },
    body: JSON.stringify({ error: { type: error.kind, message: error.message } }),
  };
}
