import { z } from "zod";
import { closedObject } from "./closed-object.ts";
import { defineKind } from "./define-kind.ts";
import { groupName, kindName, objectName, sectionName } from "./words.ts";

const guardOnly = "of a TrafficPolicy `ai.promptGuard` alone is honoured here, with its fields of kgateway 2.0";

const closed = <T extends z.ZodRawShape>(shape: T) => closedObject(shape, guardOnly);

const targetRef = closed({
  group: groupName.default("gateway.networking.k8s.io"),
  kind: kindName,
  name: objectName,
  sectionName: sectionName.optional(),
});

const regexMatch = closed({
  pattern: z.string().min(1),
  name: z.string().optional(),
});

const regex = closed({
  matches: z.array(regexMatch).optional(),
  builtins: z.array(z.enum(["SSN", "CREDIT_CARD", "PHONE_NUMBER", "EMAIL"])).optional(),
  action: z.enum(["MASK", "REJECT"]).default("MASK"),
});

const webhook = closed({
  endpoint: closed({ host: z.string().min(1), port: z.int().min(1).max(65_535) }),
  forwardHeaderMatches: z.unknown().optional(),
});

const request = closed({
  customResponse: closed({
    message: z.string().default("The request was rejected due to inappropriate content"),
    statusCode: z
      .int()
      .min(400, "400 at least: clients take anything less for an answer of the model, without one in it")
      .max(599)
      .default(403),
  }).prefault({}),
  regex: regex.optional(),
  webhook: webhook.optional(),
  moderation: z.unknown().optional(),
});

const ai = closed({
  promptGuard: closed({
    request: request.optional(),
    response: closed({ regex: regex.optional(), webhook: webhook.optional() }).optional(),
  }).optional(),
  /* Calls are streamed or not as each one asks: either word is kept to. */
  routeType: z.enum(["CHAT", "CHAT_STREAMING"]).optional(),
  promptEnrichment: z.unknown().optional(),
  defaults: z.unknown().optional(),
});

const spec = closed({
  targetRefs: z.array(targetRef).max(16).default([]),
  targetSelectors: z.unknown().optional(),
  ai: ai.optional(),
});
export type TrafficPolicySpec = z.output<typeof spec>;
export type GuardRegexSpec = z.output<typeof regex>;
export type GuardWebhookSpec = z.output<typeof webhook>;

/** kgateway's, as far as `ai` goes. */
export const trafficPolicy = defineKind<TrafficPolicySpec>({
  group: "gateway.kgateway.dev",
  kind: "TrafficPolicy",
  plural: "trafficpolicies",
  versions: ["v1alpha1"],
  schema: spec,
  unsupported: {
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
