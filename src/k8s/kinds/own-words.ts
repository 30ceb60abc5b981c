import { z } from "zod";
import type { KindRule } from "./define-kind.ts";
import { writtenHeaders } from "../../core/header-words.ts";
import { objectName, portNumber } from "./words.ts";

/* What our own kinds are written in: the words of sallyport.yaml, and references where that has values. */

export const SALLYPORT_GROUP = "sallyport.dev";
const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** A time in the units of the configuration: unlike those of the Gateway API they have days and fractions. */
export const durationText = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$/, "a duration such as 30s (ms, s, m, h, d)");

export const dollarText = z
  .string()
  .max(32)
  .regex(/^\$[0-9]+(\.[0-9]+)?$/, "an amount with its sign, such as $0.01");

export const httpUrl = z
  .string()
  .max(2_048)
  .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s#]*)?$/, "an http or https address without user name and fragment");

export const celText = z.string().min(1).max(4_096);

const secretRef = z
  .strictObject({
    name: objectName.meta({ description: "A Secret of the same namespace." }),
    key: z.string().min(1).max(253).meta({ description: "The entry of its data." }),
  })
  .meta({ description: "Where the value is kept." });

/** What the gateway shows a server or an agent. */
export const credentials = z
  .strictObject({
    bearer: z.strictObject({ secretRef }).optional().meta({ description: "Sent as `Authorization: Bearer …`." }),
    headers: z
      .array(
        z.strictObject({
          name: z
            .string()
            .max(256)
            .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "a header name")
            .meta({ description: "The header's name." }),
          secretRef,
        }),
      )
      .min(1)
      .max(16)
      .optional()
      .meta({ description: "Sent with every request." }),
  })
  .meta({ description: "What the gateway itself shows; a caller's credential is never passed on." });
export type CredentialsSpec = z.output<typeof credentials>;

/** A Service in place of an address. */
export const serviceRef = z
  .strictObject({
    name: objectName.meta({ description: "A Service of the same namespace." }),
    port: portNumber.meta({ description: "The Service's port." }),
    path: z
      .string()
      .max(1_024)
      .regex(/^\/[^\s#]*$/, "a path such as /mcp")
      .default("/")
      .meta({ description: "The path that is called there." }),
  })
  .meta({ description: "In place of `url`: a Service." });
export type ServiceRefSpec = z.output<typeof serviceRef>;

export const addressRules: readonly KindRule[] = [
  { path: "spec", message: "give either url or service", rule: "has(self.url) != has(self.service)" },
];

export const credentialRules: readonly KindRule[] = [
  {
    path: "spec.credentials.headers",
    message: "a header stands here twice",
    rule: "self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))",
  },
  {
    path: "spec.credentials.headers[]",
    message: "a header that the gateway sets itself, or of its connection",
    rule: `!(self.name.lowerAscii() in [${writtenHeaders.map((name) => `'${name}'`).join(", ")}])`,
  },
];

const targetRef = z.strictObject({
  group: z
    .enum([GATEWAY_GROUP, SALLYPORT_GROUP])
    .default(GATEWAY_GROUP)
    .meta({ description: "The group of the target." }),
  kind: z.enum(["Gateway", "HTTPRoute", "MCPServer", "A2AAgent"]).meta({ description: "The kind of the target." }),
  name: objectName.meta({ description: "An object of the same namespace." }),
});
export type OwnTargetRef = z.output<typeof targetRef>;

/** What a policy of our own is for. */
export const targetRefs = z.array(targetRef).min(1).max(16);

export const targetRules: readonly KindRule[] = [
  {
    path: "spec.targetRefs[]",
    message:
      "the group of Gateway and HTTPRoute is gateway.networking.k8s.io, that of MCPServer and A2AAgent sallyport.dev",
    rule: "(self.kind in ['Gateway', 'HTTPRoute']) == (self.group == 'gateway.networking.k8s.io')",
  },
  {
    path: "spec.targetRefs",
    message: "a target stands here twice",
    rule: "self.all(a, self.exists_one(b, a.kind == b.kind && a.name == b.name))",
  },
];
