import { z } from "zod";
import type { ConfigProblem } from "../core/config-problem.ts";
import { keyedUnion } from "../core/keyed-union.ts";
import { route, type RoutesConfig, type RuleConfig } from "./route-config.ts";
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
}

/** What one rule says and another part of the configuration has to know of. */
export function checkRoutes({ services = {}, routes = {} }: Branches): ConfigProblem[] {
  const known = Object.keys(services).join(", ") || "none";
  return Object.entries(routes).flatMap(([routeName, { rules }]) =>
    rules.flatMap((each, index): ConfigProblem[] => {
      const at = ["routes", routeName, "rules", index];
      const missing = (service: string, ...path: readonly (string | number)[]): ConfigProblem[] =>
        Object.hasOwn(services, service)
          ? []
          : [{ path: [...at, ...path], message: `no service "${service}" in services; there is ${known}` }];
      const mirrors = (filters: RuleConfig["filters"], ...path: readonly (string | number)[]) =>
        filters.flatMap((filter, number) =>
          "mirror" in filter ? missing(filter.mirror.service, ...path, number, "mirror", "service") : [],
        );
      return [
        ...each.to.flatMap((to, number) =>
          "service" in to
            ? [...missing(to.service, "to", number), ...mirrors(to.filters, "to", number, "filters")]
            : [],
        ),
        ...mirrors(each.filters, "filters"),
        ...checkFilters(each).map(({ path, message }) => ({ path: [...at, ...path], message })),
      ];
    }),
  );
}

const single = ["requestHeaders", "responseHeaders", "redirect", "rewrite", "cors"] as const;

/** Filters that do not go together, as the CRD of HTTPRoute refuses them. */
function checkFilters({ match: matches, filters, to, timeouts }: RuleConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const lists: [RuleConfig["filters"], ConfigProblem["path"]][] = [
    [filters, ["filters"]],
    ...to.flatMap((each, index): [RuleConfig["filters"], ConfigProblem["path"]][] =>
      "service" in each ? [[each.filters, ["to", index, "filters"]]] : [],
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
