import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import { groupName, kindName, objectName, sectionName } from "./words.ts";

const targetRef = z.strictObject({
  group: groupName.default("gateway.networking.k8s.io"),
  kind: kindName,
  name: objectName,
  sectionName: sectionName.optional(),
});

const regexMatch = z.strictObject({
  pattern: z.string().min(1),
  name: z.string().optional(),
});

const regex = z.strictObject({
  matches: z.array(regexMatch).optional(),
  builtins: z.array(z.enum(["SSN", "CREDIT_CARD", "PHONE_NUMBER", "EMAIL"])).optional(),
  action: z.enum(["MASK", "REJECT"]).default("MASK"),
});

const webhook = z.strictObject({
  endpoint: z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65_535) }),
  forwardHeaderMatches: z.unknown().optional(),
});

const request = z.strictObject({
  customResponse: z
    .strictObject({
      message: z.string().default("The request was rejected due to inappropriate content"),
      statusCode: z.int().min(200).max(599).default(403),
    })
    .prefault({}),
  regex: regex.optional(),
  webhook: webhook.optional(),
  moderation: z.unknown().optional(),
});

const ai = z.strictObject({
  promptGuard: z
    .strictObject({
      request: request.optional(),
      response: z.strictObject({ regex: regex.optional(), webhook: webhook.optional() }).optional(),
    })
    .optional(),
  /* Calls are streamed or not as each one asks: either word is kept to. */
  routeType: z.enum(["CHAT", "CHAT_STREAMING"]).optional(),
  promptEnrichment: z.unknown().optional(),
  defaults: z.unknown().optional(),
});

const notHonoured = [
  "transformation",
  "extProc",
  "extAuth",
  "rateLimit",
  "cors",
  "csrf",
  "headerModifiers",
  "autoHostRewrite",
  "buffer",
  "timeouts",
  "retry",
  "rbac",
  "basicAuth",
  "apiKeyAuth",
  "jwtAuth",
  "urlRewrite",
  "compression",
  "hashPolicies",
] as const;

const spec = z.strictObject({
  targetRefs: z.array(targetRef).max(16).default([]),
  targetSelectors: z.unknown().optional(),
  ai: ai.optional(),
  ...(Object.fromEntries(notHonoured.map((field) => [field, z.unknown().optional()])) as object),
});
export type TrafficPolicySpec = z.output<typeof spec>;
export type GuardRegexSpec = z.output<typeof regex>;
export type GuardWebhookSpec = z.output<typeof webhook>;

const guardOnly = "only `ai.promptGuard` of a TrafficPolicy is honoured here";

/** kgateway's, as far as `ai` goes. */
export const trafficPolicy = defineKind<TrafficPolicySpec>({
  group: "gateway.kgateway.dev",
  kind: "TrafficPolicy",
  plural: "trafficpolicies",
  versions: ["v1alpha1"],
  schema: spec,
  unsupported: {
    ...Object.fromEntries(notHonoured.map((field) => [`spec.${field}`, guardOnly])),
    "spec.targetSelectors": "targets are named, in targetRefs",
    "spec.ai.promptEnrichment": `prompts are passed on as they were written; ${guardOnly}`,
    "spec.ai.defaults": `requests are passed on as they were written; ${guardOnly}`,
    "spec.ai.promptGuard.request.moderation":
      "there is no guard here that asks OpenAI's moderation: put a webhook in front of it",
    "spec.ai.promptGuard.request.webhook.forwardHeaderMatches":
      "a guard is shown no header of the caller's: leave it out",
    "spec.ai.promptGuard.response.webhook.forwardHeaderMatches":
      "a guard is shown no header of the caller's: leave it out",
  },
  rules: [
    {
      path: "spec.targetRefs",
      message: "targetRefs may only reference Gateway, HTTPRoute, XListenerSet, or Backend resources",
      rule: "self.all(r, (r.kind == 'Backend' && r.group == 'gateway.kgateway.dev') || (r.kind in ['Gateway', 'HTTPRoute'] && r.group == 'gateway.networking.k8s.io') || (r.kind == 'XListenerSet' && r.group == 'gateway.networking.x-k8s.io'))",
    },
  ],
});
