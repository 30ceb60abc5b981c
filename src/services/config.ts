import { z } from "zod";
import type { ConfigProblem } from "../core/config-problem.ts";
import { keyedUnion } from "../core/keyed-union.ts";
import { checkModelRule } from "./check-model-rule.ts";
import { MAIN } from "../http/listeners-config.ts";
import { type BackendConfig, isModelRule, route, type RoutesConfig, type RuleConfig } from "./route-config.ts";
import { credentialHeaders, serviceName, timeout } from "./words.ts";

const origin = () =>
  z
    .url({ protocol: /^https?$/, error: "an http or https address such as http://shop:80" })
    .refine(
      (text) => URL.canParse(text) && new URL(text).href === `${new URL(text).origin}/`,
      "an address without user name, path and query: a `rewrite` filter changes paths",
    );

const serviceFields = {
  credentials: z
    .strictObject({ headers: credentialHeaders })
    .optional()
    .meta({
      description: "What the gateway shows this service, in place of what a caller sent under the same names.",
      examples: [{ headers: { authorization: "Bearer ${env:SHOP_TOKEN}" } }],
    }),
  timeouts: z
    .strictObject({
      answer: timeout("Longest wait for an answer to begin, once the request is sent; 0s: none.").prefault("60s"),
      idle: timeout("Longest silence within an answer; 0s: none.").prefault("5m"),
    })
    .prefault({})
    .meta({ description: "Deadlines of this service; a route may set tighter ones." }),
};

const service = keyedUnion(
  {
    url: z.strictObject({
      url: origin().meta({ description: "Where the service is.", examples: ["http://shop:80"] }),
      ...serviceFields,
    }),
    endpoints: z.strictObject({
      endpoints: z.array(origin()).meta({
        description: "Interchangeable addresses of it; with none, requests for it are answered 503.",
        examples: [["http://10.0.0.7:8080", "http://10.0.0.8:8080"]],
      }),
      pick: z
        .enum(["round-robin"])
        .default("round-robin")
        .meta({ description: "How one of them is chosen.", examples: ["round-robin"] }),
      ...serviceFields,
    }),
  },
  () => "expected `url` (one address) or `endpoints` (a list of them)",
).meta({ description: "A service: anything that speaks HTTP." });

/** The branches `services` and `routes` of the configuration. */
export const servicesConfig = {
  services: z
    .record(serviceName, z.union([origin().transform((url) => parseService({ url })), service]))
    .optional()
    .meta({
      description: "Ordinary services behind the gateway, by name.",
      examples: [{ shop: "http://shop:80" }],
    }),
  routes: z
    .record(serviceName, route)
    .optional()
    .meta({
      description: "Which requests go to which services, as an HTTPRoute of the Gateway API says it.",
      examples: [{ shop: { hosts: ["shop.example.com"], rules: [{ to: "shop" }] } }],
    }),
};

function parseService(value: unknown): z.output<typeof service> {
  return service.parse(value);
}

export type ServiceConfig = z.output<typeof service>;
export type ServicesConfig = Readonly<Record<string, ServiceConfig>>;

interface Branches {
  readonly services?: ServicesConfig | undefined;
  readonly routes?: RoutesConfig | undefined;
  readonly pools?: Readonly<Record<string, unknown>> | undefined;
  readonly models?: Readonly<Record<string, unknown>> | undefined;
}

/** Whether the listeners are there that routes name. */
export function checkRouteListeners({
  listeners,
  routes = {},
}: {
  readonly listeners: Readonly<Record<string, unknown>>;
  readonly routes?: RoutesConfig | undefined;
}): ConfigProblem[] {
  return Object.entries(routes).flatMap(([route, { listeners: named }]) =>
    named.flatMap((name, index): ConfigProblem[] => {
      if (name === MAIN || Object.hasOwn(listeners, name)) return [];
      const message = `no listener "${name}"; there is ${[MAIN, ...Object.keys(listeners)].join(", ")}`;
      return [{ path: ["routes", route, "listeners", index], message }];
    }),
  );
}

/** What one rule says and another part of the configuration has to know of. */
export function checkRoutes({ services = {}, routes = {}, pools = {}, models = {} }: Branches): ConfigProblem[] {
  const branches = { service: services, pool: pools, model: models };
  const missing = (kind: keyof typeof branches, name: string): string | undefined =>
    Object.hasOwn(branches[kind], name)
      ? undefined
      : `no ${kind} "${name}" in ${kind}s; there is ${Object.keys(branches[kind]).join(", ") || "none"}`;
  const mirrors = (filters: RuleConfig["filters"]): ConfigProblem[] =>
    filters.flatMap((filter, number) => {
      const message = "mirror" in filter ? missing("service", filter.mirror.service) : undefined;
      return message === undefined ? [] : [{ path: [number, "mirror", "service"], message }];
    });
  const backend = (to: BackendConfig): ConfigProblem[] => {
    if ("unresolved" in to) return [];
    const message =
      "service" in to
        ? missing("service", to.service)
        : "pool" in to
          ? missing("pool", to.pool)
          : missing("model", to.model);
    return [...(message === undefined ? [] : [{ path: [], message }]), ...under(mirrors(to.filters), "filters")];
  };
  return Object.entries(routes).flatMap(([name, { rules }]) =>
    rules.flatMap((rule, index) =>
      under(
        [
          ...rule.to.flatMap((to, number) => under(backend(to), "to", number)),
          ...under(mirrors(rule.filters), "filters"),
          ...checkFilters(rule),
          ...(isModelRule(rule) ? checkModelRule(rule) : []),
        ],
        "routes",
        name,
        "rules",
        index,
      ),
    ),
  );
}

const under = (problems: readonly ConfigProblem[], ...at: readonly (string | number)[]): ConfigProblem[] =>
  problems.map(({ path, message }) => ({ path: [...at, ...path], message }));

const single = ["requestHeaders", "responseHeaders", "redirect", "rewrite", "cors"] as const;

/** Filters that do not go together, as the CRD of HTTPRoute refuses them. */
function checkFilters({ match: matches, filters, to, timeouts }: RuleConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const lists: [RuleConfig["filters"], ConfigProblem["path"]][] = [
    [filters, ["filters"]],
    ...to.flatMap((each, index): [RuleConfig["filters"], ConfigProblem["path"]][] =>
      "unresolved" in each ? [] : [[each.filters, ["to", index, "filters"]]],
    ),
  ];
  for (const [list, path] of lists) {
    for (const kind of single)
      if (list.filter((filter) => kind in filter).length > 1)
        problems.push({ path, message: `\`${kind}\` may stand there once` });
    for (const [index, filter] of list.entries()) {
      const edit = "redirect" in filter ? filter.redirect : "rewrite" in filter ? filter.rewrite : undefined;
      if (edit?.path === undefined || !("prefix" in edit.path)) continue;
      if (!matches.every((each) => "prefix" in each.path))
        problems.push({
          path: [...path, index],
          message: "a prefix can be replaced only where every `match` has a path prefix",
        });
    }
  }
  const redirects = filters.some((filter) => "redirect" in filter);
  if (redirects && filters.some((filter) => "rewrite" in filter))
    problems.push({ path: ["filters"], message: "`redirect` and `rewrite` do not go together" });
  if (redirects && to.length > 0)
    problems.push({ path: ["to"], message: "a redirect is the answer: leave out `to`, or the filter" });
  const { request = 0, backend: tryMs = 0 } = timeouts;
  if (request > 0 && tryMs > request)
    problems.push({ path: ["timeouts", "backend"], message: "may not be longer than `request`" });
  return problems;
}
