import type { CanonicalRequest, Route } from "../core/exchange.ts";
import { anyMethod } from "../http/methods.ts";
import { createMatchTable, preflightMethodOf } from "./match-table.ts";
import type { RoutesConfig, RuleConfig } from "./route-config.ts";
import { compileRule, type Rule } from "./rule.ts";

/** A route to services, for one `match` of one rule: all that its handler has to know. */
export interface RuleRoute extends Route {
  readonly protocol: "http";
  readonly rule: Rule;
  /** The prefix of the path that matched; undefined where the path was matched in another way. */
  readonly prefix: string | undefined;
}

export const isRuleRoute = (route: Route): route is RuleRoute => route.protocol === "http" && "rule" in route;

/** The routes to services of one configuration. */
export interface ServiceRoutes {
  /** Among those that name the request's host: they come before what the gateway itself serves. */
  byHost(request: CanonicalRequest): RuleRoute | undefined;
  /** Among those that name no host: they get what the gateway itself does not serve. */
  byPath(request: CanonicalRequest): RuleRoute | undefined;
  /** Whether one names this host, given in lower case and without its port. */
  knows(host: string): boolean;
}

export interface ServiceRoutesOptions {
  readonly routes: RoutesConfig;
  /** Tokens for the gateway as a whole are good for services. */
  readonly audience: string;
  readonly bodyLimitBytes: number;
}

/** Compiles the routes; done once per configuration. */
export function createServiceRoutes({ routes, audience, bodyLimitBytes }: ServiceRoutesOptions): ServiceRoutes {
  const rules = new Map<RuleConfig, Rule>();
  interface Pair {
    readonly call: RuleRoute;
    /** A browser asks for leave without any credential; where the gateway itself answers, nobody is needed. */
    readonly preflight: RuleRoute;
  }
  const table = createMatchTable<Pair>(routes, (name, index, match) => {
    const route = routes[name];
    const config = route?.rules[index];
    if (route === undefined || config === undefined) throw new TypeError(`no rule ${index} in ${name}`);
    const rule = rules.get(config) ?? compileRule(config);
    rules.set(config, rule);
    const call: RuleRoute = {
      path: name,
      protocol: "http",
      audiences: [audience],
      methods: anyMethod,
      authentication: route.auth,
      bodyLimitBytes,
      tenant: route.tenant,
      rule,
      prefix: "prefix" in match.path ? match.path.prefix : undefined,
    };
    return { call, preflight: rule.cors === undefined ? call : { ...call, authentication: "optional" } };
  });
  const toRoute = (pair: Pair | undefined, request: CanonicalRequest): RuleRoute | undefined =>
    pair === undefined || preflightMethodOf(request) === undefined ? pair?.call : pair.preflight;
  return {
    byHost: (request) => toRoute(table.byHost(request), request),
    byPath: (request) => toRoute(table.byPath(request), request),
    knows: table.knows,
  };
}
