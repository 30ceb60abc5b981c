import { z } from "zod";
import type { KindRule } from "./define-kind.ts";
import {
  groupName,
  kindName,
  listBy,
  listSet,
  namespaceName,
  objectName,
  portNumber,
  preciseHostname,
} from "./words.ts";

export const headerName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/, "a header name");

export const backendObject = {
  group: groupName.default(""),
  kind: kindName.default("Service"),
  name: objectName,
  namespace: namespaceName.optional(),
  port: portNumber.optional(),
};

const headerValues = listBy(z.strictObject({ name: headerName, value: z.string().min(1).max(4_096) }), "name", 16);
const headerModifier = z.strictObject({
  set: headerValues.optional(),
  add: headerValues.optional(),
  remove: listSet(z.string(), 16).optional(),
});

const pathModifier = z.strictObject({
  type: z.enum(["ReplaceFullPath", "ReplacePrefixMatch"]),
  replaceFullPath: z.string().max(1_024).optional(),
  replacePrefixMatch: z.string().max(1_024).optional(),
});

const corsOrigin = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)/,
    "an origin such as https://app.example.com or https://*.example.com, or *",
  );
const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;
export const httpMethod = z.enum(methods);

export const filter = z.strictObject({
  type: z.enum([
    "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "ExtensionRef", "CORS",
  ]), // oxfmt-ignore
  requestHeaderModifier: headerModifier.optional(),
  responseHeaderModifier: headerModifier.optional(),
  requestMirror: z
    .strictObject({
      backendRef: z.strictObject(backendObject),
      percent: z.int().min(0).max(100).optional(),
      fraction: z.strictObject({ numerator: z.int().min(0), denominator: z.int().min(1).default(100) }).optional(),
    })
    .optional(),
  requestRedirect: z
    .strictObject({
      scheme: z.enum(["http", "https"]).optional(),
      hostname: preciseHostname.optional(),
      path: pathModifier.optional(),
      port: portNumber.optional(),
      statusCode: z
        .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
        .default(302),
    })
    .optional(),
  urlRewrite: z.strictObject({ hostname: preciseHostname.optional(), path: pathModifier.optional() }).optional(),
  cors: z
    .strictObject({
      allowOrigins: listSet(corsOrigin, 64).optional(),
      allowMethods: listSet(z.enum([...methods, "*"]), 9).optional(),
      allowHeaders: listSet(headerName, 64).optional(),
      exposeHeaders: listSet(headerName, 64).optional(),
      allowCredentials: z.boolean().optional(),
      maxAge: z.int().min(1).default(5),
    })
    .optional(),
  extensionRef: z.strictObject({ group: groupName, kind: kindName, name: objectName }).optional(),
});
export type FilterSpec = z.output<typeof filter>;
export type BackendObject = z.output<z.ZodObject<typeof backendObject>>;

export const servicePort = (path: string): KindRule => ({
  path,
  message: "Must have port for Service reference",
  rule: "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
});

const fields = {
  cors: "CORS",
  requestHeaderModifier: "RequestHeaderModifier",
  responseHeaderModifier: "ResponseHeaderModifier",
  requestMirror: "RequestMirror",
  requestRedirect: "RequestRedirect",
  urlRewrite: "URLRewrite",
  extensionRef: "ExtensionRef",
};
const single = ["CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"];
const stars = { allowOrigins: "origins", allowMethods: "methods", allowHeaders: "methods" };

/** The CRD's rules over a list of filters, wherever one stands. */
export function filterRules(path: string): KindRule[] {
  const all = (inner: string, message: string, rule: string): KindRule => ({ path: path + inner, message, rule });
  const replacing = (field: string, type: string, name: string): KindRule[] => [
    all(
      `[].${field}.path`,
      `${name} must be specified when type is set to '${type}'`,
      `self.type == '${type}' ? has(self.${name}) : true`,
    ),
    all(
      `[].${field}.path`,
      `type must be '${type}' when ${name} is set`,
      `has(self.${name}) ? self.type == '${type}' : true`,
    ),
  ];
  return [
    all(
      "",
      "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both",
      "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
    ),
    ...single.map((type) =>
      all("", `${type} filter cannot be repeated`, `self.filter(f, f.type == '${type}').size() <= 1`),
    ),
    ...Object.entries(fields).flatMap(([field, type]) => [
      all(
        "[]",
        `filter.${field} must be nil if the filter.type is not ${type}`,
        `!(has(self.${field}) && self.type != '${type}')`,
      ),
      all(
        "[]",
        `filter.${field} must be specified for ${type} filter.type`,
        `!(!has(self.${field}) && self.type == '${type}')`,
      ),
    ]),
    ...Object.entries(stars).map(([field, word]) =>
      all(
        `[].cors.${field}`,
        `${field[0]?.toUpperCase()}${field.slice(1)} cannot contain '*' alongside other ${word}`,
        "!('*' in self && self.size() > 1)",
      ),
    ),
    all(
      "[].requestMirror",
      "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter",
      "!(has(self.percent) && has(self.fraction))",
    ),
    servicePort(`${path}[].requestMirror.backendRef`),
    all(
      "[].requestMirror.fraction",
      "numerator must be less than or equal to denominator",
      "self.numerator <= self.denominator",
    ),
    ...["requestRedirect", "urlRewrite"].flatMap((field) => [
      ...replacing(field, "ReplaceFullPath", "replaceFullPath"),
      ...replacing(field, "ReplacePrefixMatch", "replacePrefixMatch"),
    ]),
  ];
}
