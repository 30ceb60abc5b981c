import { accessPolicyPolicy } from "./access-policy.ts";
import { budgetPolicy } from "./budget.ts";
import type { AnyPolicy } from "./define-policy.ts";
import { tokenRateLimitPolicyPolicy } from "./token-rate-limit-policy.ts";
import { trafficPolicyPolicy } from "./traffic-policy.ts";

/** Every kind of policy. */
export const policies: readonly AnyPolicy[] = [
  trafficPolicyPolicy,
  tokenRateLimitPolicyPolicy,
  accessPolicyPolicy,
  budgetPolicy,
];
