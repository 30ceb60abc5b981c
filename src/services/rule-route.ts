import type { CanonicalRequest, Route, RouteTag } from "../core/exchange.ts";
import { anyMethod } from "../http/methods.ts";
import { createMatchTable, type MatchTable, preflightMethodOf, type ToTarget } from "./match-table.ts";
import { compileModelRule, type CompiledModelRule } from "./model-route.ts";
import { isModelRule, type MatchConfig, type RouteConfig, type RoutesConfig, type RuleConfig } from "./route-config.ts";
import { compileRule, type Rule } from "./rule.ts";

/** A route to services, for one `match` of one rule: all that its handler has to know. */
export interface RuleRoute extends Route {
  readonly protocol: "http";
  readonly rule: Rule;
  /** The prefix of the path that matched; undefined where the path was matched in another way. */
  readonly prefix: string | undefined;
}

export const isRuleRoute = (route: Route): route is RuleRoute => route.protocol === "http" && "rule" in route;

/** The routes of one listener: each match leads to services (a `RuleRoute`) or is for calls of models (has `models`). */
export interface ServiceRoutes {
  /** Among those that name the request's host: they come before what the gateway itself serves. */
  byHost(request: CanonicalRequest): Route | undefined;
  /** Among those that name no host: they get what the gateway itself does not serve. */
  byPath(request: CanonicalRequest): Route | undefined;
  /** Whether one names this host, given in lower case and without its port. */
  knows(host: string): boolean;
  /** Those alone that do not give way to the gateway itself under its own hosts. */
  readonly firm: Pick<ServiceRoutes, "byHost" | "byPath">;
}

export interface ServiceRoutesOptions {
  readonly routes: RoutesConfig;
  /** Tokens for the gateway as a whole are good for them. */
  readonly audience: string;
  readonly bodyLimitBytes: Readonly<Record<"http" | "llm", number>>;
  /** Of each listener, which names routes may call it by. */
  readonly listeners: ReadonlyMap<string, readonly string[]>;
}

/** What a request is given for one match: a browser asks for leave without any credential, and where the gateway itself answers, nobody is needed. */
interface Pair {
  readonly call: Route;
  readonly preflight: Route;
}

/** Compiles the routes, once for all listeners; done once per configuration. A listener without routes is left out. */
export function createServiceRoutes(options: ServiceRoutesOptions): ReadonlyMap<string, ServiceRoutes> {
  const { routes, audience, bodyLimitBytes, listeners } = options;
  /* One for all matches of a rule, which share its weights. */
  const compiled = new Map<RuleConfig, Rule | CompiledModelRule>();
  const compileOnce = <T extends Rule | CompiledModelRule>(
    config: RuleConfig,
    compile: (config: RuleConfig) => T,
  ): T => {
    const rule = compiled.get(config) ?? compile(config);
    compiled.set(config, rule);
    return rule as T; // a rule is always compiled by the same function
  };
  const compileMatch: ToTarget<Pair> = (name, index, match) => {
    const route = routes[name];
    const config = route?.rules[index];
    if (route === undefined || config === undefined) throw new TypeError(`no rule ${index} in ${name}`);
    const prefix = "prefix" in match.path ? match.path.prefix : undefined;
    const common = {
      path: name,
      ruleName: config.name,
      tags: tagsOf(route.tags, config.name),
      configured: true,
      audiences: [audience],
      authentication: route.auth,
      tenant: route.tenant,
    } as const;
    if (isModelRule(config)) {
      const { models, dress } = compileOnce(config, compileModelRule).at(prefix);
      const bodyLimit = bodyLimitBytes.llm;
      const methods = models.preflight === undefined ? callMethods : preflightedMethods;
      return toPair(
        { ...common, protocol: "llm", methods, bodyLimitBytes: bodyLimit, models, dress },
        models.preflight,
      );
    }
    const rule = compileOnce(config, compileRule);
    const call: RuleRoute = {
      ...common,
      protocol: "http",
      methods: anyMethod,
      bodyLimitBytes: bodyLimitBytes.http,
      rule,
      prefix,
    };
    return toPair(call, rule.cors);
  };
  /* A route is often served by several listeners. */
  const pairs = new Map<MatchConfig, Pair>();
  const compileMatchOnce: ToTarget<Pair> = (name, index, match) => {
    const pair = pairs.get(match) ?? compileMatch(name, index, match);
    pairs.set(match, pair);
    return pair;
  };
  const found = new Map<string, ServiceRoutes>();
  for (const [listener, names] of listeners) {
    const here = Object.entries(routes).filter(([, route]) => route.listeners.some((name) => names.includes(name)));
    if (here.length === 0) continue;
    const all = toServiceRoutes(createMatchTable(Object.fromEntries(here), compileMatchOnce));
    const firm = here.filter(([, route]) => !route.yields);
    found.set(listener, {
      ...all,
      firm:
        firm.length === here.length
          ? all
          : toServiceRoutes(createMatchTable(Object.fromEntries(firm), compileMatchOnce)),
    });
  }
  return found;
}

function toServiceRoutes(table: MatchTable<Pair>): Omit<ServiceRoutes, "firm"> {
  const toRoute = (pair: Pair | undefined, request: CanonicalRequest): Route | undefined =>
    pair === undefined || preflightMethodOf(request) === undefined ? pair?.call : pair.preflight;
  return {
    byHost: (request) => toRoute(table.byHost(request), request),
    byPath: (request) => toRoute(table.byPath(request), request),
    knows: table.knows,
  };
}

/* Those of one rule, made once: no request costs more than a look at its listener. */
function tagsOf(tags: RouteConfig["tags"], rule = ""): readonly RouteTag[] {
  return tags.flatMap(({ tag, listeners, rules, exceptRules }) =>
    rules?.includes(rule) === false || exceptRules?.includes(rule) === true ? [] : [{ tag, listeners }],
  );
}

const callMethods = ["POST", "GET"];
const preflightedMethods = [...callMethods, "OPTIONS"];

/* `answered`: what the gateway itself answers preflights by. */
const toPair = (call: Route, answered: unknown): Pair => ({
  call,
  preflight: answered === undefined ? call : { ...call, authentication: "optional" },
});
