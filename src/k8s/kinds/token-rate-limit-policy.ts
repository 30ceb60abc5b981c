import { z } from "zod";
import { closedObject } from "./closed-object.ts";
import { defineKind } from "./define-kind.ts";
import { duration, groupName, kindName, objectName, sectionName } from "./words.ts";

const closed = <T extends z.ZodRawShape>(shape: T) =>
  closedObject(shape, "this field of a TokenRateLimitPolicy is not known here");

const when = z.array(closed({ predicate: z.string().min(1) }));

const limit = closed({
  rates: z.array(closed({ limit: z.int(), window: duration })).optional(),
  when: when.optional(),
  counters: z.array(closed({ expression: z.string().min(1) })).optional(),
});
export type TokenLimitSpec = z.output<typeof limit>;

const limits = z.record(z.string().max(253), limit);
const group = closed({
  strategy: z.enum(["atomic", "merge"]).default("atomic"),
  limits: limits.optional(),
  when: when.optional(),
});

const spec = closed({
  targetRef: closed({
    group: groupName,
    kind: kindName,
    name: objectName,
    sectionName: sectionName.optional(),
  }),
  defaults: group.optional(),
  overrides: group.optional(),
  limits: limits.optional(),
  when: when.optional(),
});
export type TokenRateLimitPolicySpec = z.output<typeof spec>;

const whole = (message: string, rule: string) => ({ path: "spec", message, rule });

/** Kuadrant's. */
export const tokenRateLimitPolicy = defineKind<TokenRateLimitPolicySpec>({
  group: "kuadrant.io",
  kind: "TokenRateLimitPolicy",
  plural: "tokenratelimitpolicies",
  versions: ["v1alpha1"],
  schema: spec,
  /* Those of the CRD (kuadrant-operator, config/crd/bases). */
  rules: [
    {
      path: "spec.targetRef",
      message: "Invalid targetRef.group. The only supported value is 'gateway.networking.k8s.io'",
      rule: "self.group == 'gateway.networking.k8s.io'",
    },
    {
      path: "spec.targetRef",
      message: "Invalid targetRef.kind. The only supported values are 'HTTPRoute' and 'Gateway'",
      rule: "self.kind == 'HTTPRoute' || self.kind == 'Gateway'",
    },
    whole("Implicit and explicit defaults are mutually exclusive", "!(has(self.defaults) && has(self.limits))"),
    whole("Overrides and explicit defaults are mutually exclusive", "!(has(self.defaults) && has(self.overrides))"),
    whole("Overrides and implicit defaults are mutually exclusive", "!(has(self.overrides) && has(self.limits))"),
    whole(
      "At least one spec.limits must be defined",
      "has(self.limits) ? size(self.limits) > 0 : has(self.defaults) || has(self.overrides)",
    ),
    whole(
      "At least one spec.overrides.limits must be defined",
      "has(self.overrides) ? has(self.overrides.limits) && size(self.overrides.limits) > 0 : true",
    ),
    whole(
      "At least one spec.defaults.limits must be defined",
      "has(self.defaults) ? has(self.defaults.limits) && size(self.defaults.limits) > 0 : true",
    ),
  ],
});
