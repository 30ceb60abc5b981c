import { z } from "zod";
import { patternFault } from "../cel/pattern.ts";
import { keyedUnion } from "../core/keyed-union.ts";
import { MAIN } from "../http/listeners-config.ts";
import { filterSchema, toFilterSchema, toModelFilterSchema } from "./filter-config.ts";
import { headerName, pathText, preciseHost, serviceName, timeout } from "./words.ts";

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

const modelFilters = z
  .array(toModelFilterSchema)
  .default([])
  .meta({ description: "Edits for this one alone, made after those of the rule." });

const backend = keyedUnion(
  {
    service: z.strictObject({
      service: serviceName.meta({ description: "A name from `services`.", examples: ["shop"] }),
      weight,
      filters: z
        .array(toFilterSchema)
        .default([])
        .meta({ description: "Edits for this service alone, made after those of the rule." }),
    }),
    pool: z.strictObject({
      pool: serviceName.meta({
        description: "A name from `pools`: calls of models go there, for whichever model they ask.",
        examples: ["local"],
      }),
      weight,
      filters: modelFilters,
    }),
    model: z.strictObject({
      model: z
        .string()
        .min(1)
        .max(256)
        .meta({
          description: "A name from `models`: it is called, whichever model is asked for.",
          examples: ["gpt-4o"],
        }),
      weight,
      filters: modelFilters,
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
  () => "expected the name of a service, or one of {service: …}, {pool: …} and {model: …}, with a `weight`",
);

const toService = (service: string) => ({ service, weight: 1, filters: [] });
const backends = z.union(
  [
    serviceName.transform((service) => [toService(service)]),
    z.array(z.union([serviceName.transform(toService), backend])).max(16),
    backend.transform((one) => [one]),
  ],
  { error: "expected the name of a service, {pool: …}, or a list such as [{service: shop, weight: 90}]" },
);

const rule = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .meta({ description: "What policies, guards and budgets call it: `request.rule` in CEL.", examples: ["checkout"] }),
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
    description:
      "Where the request goes: to services, or, as calls of models, to pools or models. Without any, and without a redirect, it is answered 500.",
    examples: [
      "shop",
      [
        { service: "shop", weight: 90 },
        { service: "shop-next", weight: 10 },
      ],
      { pool: "local" },
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

const tagText = z.string().min(1).max(1_024);
const tag = z.union(
  [
    tagText.transform((text): TagConfig => ({ tag: text })),
    z.strictObject({
      tag: tagText.meta({ description: "The word." }),
      listeners: z.array(z.string()).optional().meta({ description: "Only for what comes by one of these." }),
      rules: z.array(z.string()).optional().meta({ description: "Only for rules of these names." }),
      exceptRules: z.array(z.string()).optional().meta({ description: "Not for rules of these names." }),
    }),
  ],
  { error: "a word, or {tag: …, listeners: […], rules: […]}" },
);

interface TagConfig {
  readonly tag: string;
  readonly listeners?: readonly string[] | undefined;
  readonly rules?: readonly string[] | undefined;
  readonly exceptRules?: readonly string[] | undefined;
}

/** One entry of `routes`. */
export const route = z.strictObject({
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
  yields: z
    .boolean()
    .default(false)
    .meta({
      description:
        "Whether it gives way to the gateway's own paths on the hosts of `publicUrl` and `listen.allowedHosts`, also where its `hosts` name them: what the gateway serves and all of `/mcp`, `/a2a` and `/v1`. To `/oauth` and `/.well-known` each route does, there.",
      examples: [true],
    }),
  listeners: z
    .array(z.string().min(1))
    .min(1)
    .default([MAIN])
    .meta({
      description: "The listeners it is served by, and no others; `main` is that of `listen`.",
      examples: [["main", "shop"]],
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
  tags: z
    .array(tag)
    .max(256)
    .default([])
    .meta({
      description: "Words by which policies, guards and budgets know it: `request.tags` in CEL.",
      examples: [["external"]],
    }),
  created: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({
      description: "Where two routes match equally well, the older one counts; then the one whose name comes first.",
      examples: ["2026-11-23T09:00:00Z"],
    }),
  rules: z.array(rule).min(1).meta({ description: "What is done with which requests." }),
});

export type RouteConfig = z.output<typeof route>;
export type RoutesConfig = Readonly<Record<string, RouteConfig>>;
export type RuleConfig = RouteConfig["rules"][number];
export type MatchConfig = RuleConfig["match"][number];
export type TextMatch = z.output<typeof textMatch>;
export type BackendConfig = RuleConfig["to"][number];

/** Whether what a rule is for are calls of models. That it has nothing else beside them was checked when the configuration was loaded. */
export const isModelRule = ({ to }: RuleConfig): boolean => to.some((each) => "pool" in each || "model" in each);
