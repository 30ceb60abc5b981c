import { z } from "zod";
import { patternFault } from "../cel/pattern.ts";
import { keyedUnion } from "../core/keyed-union.ts";
import { durationMs } from "../core/units.ts";
import type { ConfigProblem } from "../core/config-problem.ts";
import { filterSchema, toFilterSchema } from "./filter-config.ts";
import { headerName, pathText, preciseHost } from "./words.ts";
import { credentialHeaders } from "./words.ts";

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,252}$/, "a name of letters, digits and . _ : / -, at most 253 long");

const origin = () =>
  z
    .url({ protocol: /^https?$/, error: "an http or https address such as http://shop:80" })
    .refine(
      (text) => URL.canParse(text) && new URL(text).href === `${new URL(text).origin}/`,
      "an address without user name, path and query: a `rewrite` filter changes paths",
    );

const timeout = (description: string) => durationMs().meta({ description, examples: ["10s"] });

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

/** A vetted pattern that has to match the whole of what it is held against. */
const pattern = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const fault = patternFault(`^(?:${text})$`, "", "or match by exact values");
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  })
  .meta({ description: "A regular expression that the whole has to match.", examples: ["v[0-9]{1,3}"] });

const textMatch = z.union([z.string().max(4_096), z.strictObject({ regex: pattern })], {
  error: "a text that it has to equal, or {regex: …}",
});

const pathMatch = z.union(
  [
    pathText.transform((prefix): PathMatch => ({ prefix })),
    keyedUnion(
      {
        prefix: z.strictObject({
          prefix: pathText.meta({ description: "This path and all below it.", examples: ["/v1"] }),
        }),
        exact: z.strictObject({ exact: pathText.meta({ description: "This path alone.", examples: ["/login"] }) }),
        regex: z.strictObject({ regex: pattern }),
      },
      () => "expected a path, or one of {prefix: …}, {exact: …} and {regex: …}",
    ),
  ],
  { error: "expected a path, or one of {prefix: …}, {exact: …} and {regex: …}" },
);

export type PathMatch = { readonly prefix: string } | { readonly exact: string } | { readonly regex: string };

const match = z.strictObject({
  path: pathMatch
    .default({ prefix: "/" })
    .meta({ description: "The path; a text stands for a prefix.", examples: ["/v1"] }),
  method: z
    .string()
    .regex(/^[A-Z][A-Z-]{0,31}$/, "a method in upper case, such as GET")
    .optional()
    .meta({ description: "The method.", examples: ["GET"] }),
  headers: z
    .record(headerName, textMatch)
    .default({})
    .meta({ description: "Headers, all of which have to match.", examples: [{ "x-version": "2" }] }),
  query: z
    .record(z.string().min(1).max(256), textMatch)
    .default({})
    .meta({
      description: "Parameters of the query, all of which have to match; of several of one name the first counts.",
      examples: [{ preview: "yes" }],
    }),
});

const weight = z
  .int()
  .min(0)
  .max(1_000_000)
  .default(1)
  .meta({ description: "The share of the requests it gets, of the sum of all weights.", examples: [90] });

const backend = keyedUnion(
  {
    service: z.strictObject({
      service: name.meta({ description: "A name from `services`.", examples: ["shop"] }),
      weight,
      filters: z
        .array(toFilterSchema)
        .default([])
        .meta({ description: "Edits for this service alone, made after those of the rule." }),
    }),
    unresolved: z.strictObject({
      unresolved: z
        .string()
        .min(1)
        .meta({
          description: "Why there is no such backend: its share of the requests is answered 500.",
          examples: ["no Service of that name"],
        }),
      weight,
    }),
  },
  () => "expected the name of a service, or {service: …, weight: …}",
);

const toBackend = (service: string) => ({ service, weight: 1, filters: [] });
const backends = z.union(
  [
    name.transform((service) => [toBackend(service)]),
    z.array(z.union([name.transform(toBackend), backend])).max(16),
    backend.transform((one) => [one]),
  ],
  { error: "expected the name of a service, or a list such as [{service: shop, weight: 90}]" },
);

const rule = z.strictObject({
  match: z
    .union([match.transform((one) => [one]), z.array(match).min(1).max(64)])
    .prefault([{}])
    .meta({ description: "What this rule is for: one of these has to match.", examples: [{ path: "/v1" }] }),
  filters: z
    .array(filterSchema)
    .max(16)
    .default([])
    .meta({ description: "What is done on the way, in this order.", examples: [[{ rewrite: { host: "shop" } }]] }),
  to: backends.default([]).meta({
    description: "Where the request goes; without any, and without a redirect, it is answered 500.",
    examples: [
      "shop",
      [
        { service: "shop", weight: 90 },
        { service: "shop-next", weight: 10 },
      ],
    ],
  }),
  timeouts: z
    .strictObject({
      request: timeout("For the whole of it, from the request to the end of the answer; 0s: none.").optional(),
      backend: timeout("For one try at a service; 0s: none.").optional(),
    })
    .prefault({})
    .meta({ description: "Beyond these the answer is 504, or breaks off where it has begun." }),
});

const route = z.strictObject({
  hosts: z
    .array(
      z
        .string()
        .refine(
          (text) => preciseHost.test(text.replace(/^\*\./, "")),
          "a host in lower case without a port, such as api.example.com or *.example.org",
        ),
    )
    .default([])
    .meta({
      description:
        "The hosts it is for; `*.` stands for one or more labels. With hosts, it comes before the paths of the gateway itself; without, it gets what those leave.",
      examples: [["api.example.com", "*.example.org"]],
    }),
  auth: z
    .enum(["required", "optional"])
    .default("required")
    .meta({
      description:
        "`required`: only with a credential of the gateway's. `optional`: without one too; one that is not the gateway's is handed to the service.",
      examples: ["optional"],
    }),
  tenant: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The tenant of callers whose credential gives none.", examples: ["shop"] }),
  created: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({
      description: "Where two routes match equally well, the older one counts; then the one whose name comes first.",
      examples: ["2026-11-23T09:00:00Z"],
    }),
  rules: z.array(rule).min(1).meta({ description: "What is done with which requests." }),
});

/** The branches `services` and `routes` of the configuration. */
export const servicesConfig = {
  services: z
    .record(name, z.union([origin().transform((url) => parseService({ url })), service]))
    .optional()
    .meta({
      description: "Ordinary services behind the gateway, by name.",
      examples: [{ shop: "http://shop:80" }],
    }),
  routes: z
    .record(name, route)
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
export type RouteConfig = z.output<typeof route>;
export type RoutesConfig = Readonly<Record<string, RouteConfig>>;
export type RuleConfig = RouteConfig["rules"][number];
export type MatchConfig = RuleConfig["match"][number];
export type TextMatch = z.output<typeof textMatch>;
export type BackendConfig = RuleConfig["to"][number];

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
