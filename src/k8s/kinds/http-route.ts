import { z } from "zod";
import { defineKind, type KindRule } from "./define-kind.ts";
import { backendObject, filter, filterRules, headerName, httpMethod, servicePort } from "./http-route-filter.ts";
import {
  duration,
  groupName,
  hostname,
  kindName,
  listBy,
  namespaceName,
  objectName,
  portNumber,
  sectionName,
} from "./words.ts";

const SELF = "gateway.networking.k8s.io";

const parentRef = z.strictObject({
  group: groupName.default(SELF),
  kind: kindName.default("Gateway"),
  namespace: namespaceName.optional(),
  name: objectName,
  sectionName: sectionName.optional(),
  port: portNumber.optional(),
});
export type ParentRef = z.output<typeof parentRef>;

/** As they stand in a route, whatever else stands there. */
export const parentRefs = z.array(parentRef).max(32).optional();

const textMatch = (longest: number) =>
  z.strictObject({
    type: z.enum(["Exact", "RegularExpression"]).default("Exact"),
    name: headerName,
    value: z.string().min(1).max(longest),
  });

const match = z.strictObject({
  path: z
    .strictObject({
      type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).default("PathPrefix"),
      value: z.string().max(1_024).default("/"),
    })
    .prefault({}),
  headers: listBy(textMatch(4_096), "name", 16).optional(),
  queryParams: listBy(textMatch(1_024), "name", 16).optional(),
  method: httpMethod.optional(),
});
export type MatchSpec = z.output<typeof match>;

const backendRef = z.strictObject({
  ...backendObject,
  weight: z.int().min(0).max(1_000_000).default(1),
  filters: z.array(filter).max(16).optional(),
});
export type BackendRef = z.output<typeof backendRef>;

const rule = z.strictObject({
  name: sectionName.optional(),
  matches: z.array(match).max(64).prefault([{}]),
  filters: z.array(filter).max(16).optional(),
  backendRefs: z.array(backendRef).max(16).optional(),
  timeouts: z.strictObject({ request: duration.optional(), backendRequest: duration.optional() }).optional(),
  retry: z.unknown().optional(),
  sessionPersistence: z.unknown().optional(),
});
export type RuleSpec = z.output<typeof rule>;

const spec = z.strictObject({
  parentRefs,
  hostnames: z.array(hostname).max(16).optional(),
  rules: z.array(rule).min(1).max(16).prefault([{}]),
  useDefaultGateways: z.unknown().optional(),
});
export type HttpRouteSpec = z.output<typeof spec>;

const sameParent =
  "p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__))";
const noSection = (ref: string) => `(!has(${ref}.sectionName) || ${ref}.sectionName == '')`;

/* A prefix can be replaced only where there is one. */
const prefixRule = (message: string, condition: string): KindRule => ({
  path: "spec.rules[]",
  message: `${message} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
  rule: `${condition} ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true`,
});
const replacesPrefix = (list: string, field: string) =>
  `(has(${list}) && ${list}.exists_one(f, has(f.${field}) && has(f.${field}.path) && f.${field}.path.type == 'ReplacePrefixMatch' && has(f.${field}.path.replacePrefixMatch)))`;
const ofBackends = (field: string) =>
  `(has(self.backendRefs) && self.backendRefs.exists_one(b, ${replacesPrefix("b.filters", field)}))`;

const pathRule = (message: string, condition: string): KindRule => ({
  path: "spec.rules[].matches[].path",
  message,
  rule: `(self.type in ['Exact','PathPrefix']) ? ${condition} : true`,
});
const CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$";

export const httpRoute = defineKind({
  group: SELF,
  kind: "HTTPRoute",
  plural: "httproutes",
  versions: ["v1", "v1beta1"],
  schema: spec,
  unsupported: {
    "spec.rules[].retry": "retries (experimental) are not made: nothing that was sent to a service is sent again",
    "spec.rules[].sessionPersistence": "sessions (experimental) are not kept to one backend",
    "spec.useDefaultGateways": "default Gateways (experimental) are not known: name the Gateway in parentRefs",
  },
  rules: [
    {
      path: "spec.parentRefs",
      message: "sectionName must be specified when parentRefs includes 2 or more references to the same parent",
      rule: `self.all(p1, self.all(p2, ${sameParent} ? (${noSection("p1")} == ${noSection("p2")}) : true))`,
    },
    {
      path: "spec.parentRefs",
      message: "sectionName must be unique when parentRefs includes 2 or more references to the same parent",
      rule: `self.all(p1, self.exists_one(p2, ${sameParent} && ((${noSection("p1")} && ${noSection("p2")}) || (has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))))`,
    },
    {
      path: "spec.rules",
      message:
        "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128",
      rule: `${Array.from({ length: 16 }, (_, n) => `(self.size() > ${n} ? self[${n}].matches.size() : 0)`).join(" + ")} <= 128`,
    },
    {
      path: "spec.rules[]",
      message: "RequestRedirect filter must not be used together with backendRefs",
      rule: "(has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))) : true",
    },
    prefixRule("When using RequestRedirect", replacesPrefix("self.filters", "requestRedirect")),
    prefixRule("When using URLRewrite", replacesPrefix("self.filters", "urlRewrite")),
    prefixRule("Within backendRefs, when using RequestRedirect", ofBackends("requestRedirect")),
    prefixRule("Within backendRefs, When using URLRewrite", ofBackends("urlRewrite")),
    servicePort("spec.rules[].backendRefs[]"),
    ...filterRules("spec.rules[].filters"),
    ...filterRules("spec.rules[].backendRefs[].filters"),
    pathRule(
      "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
      "self.value.startsWith('/')",
    ),
    ...["//", "/./", "/../", "%2f", "%2F", "#"].map((text) =>
      pathRule(
        `must not contain '${text}' when type one of ['Exact', 'PathPrefix']`,
        `!self.value.contains('${text}')`,
      ),
    ),
    ...["/..", "/."].map((text) =>
      pathRule(
        `must not end with '${text}' when type one of ['Exact', 'PathPrefix']`,
        `!self.value.endsWith('${text}')`,
      ),
    ),
    pathRule(
      `must only contain valid characters (matching ${CHARACTERS}) for types ['Exact', 'PathPrefix']`,
      `self.value.matches(r"""${CHARACTERS}""")`,
    ),
    {
      path: "spec.rules[].timeouts",
      message: "backendRequest timeout cannot be longer than request timeout",
      rule: "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
    },
  ],
});
