import { createRuleAuthz, type Authz } from "../../src/authz/authz.ts";
import { compileRules } from "../../src/authz/compile-rules.ts";
import type { Caller } from "../../src/authz/decide.ts";
import { asSchema, callSchema, chainSchema, requestSchema, toCaller, toOperation } from "../../src/authz/imagined.ts";
import { parsePolicyFile } from "../../src/authz/policy-file.ts";
import { PolicyError } from "../../src/authz/policy-error.ts";
import { ruleSchema } from "../../src/authz/rule.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Operation } from "../../src/core/operation.ts";

/** Policy from rules as a file would hold them. */
export function authzOf(...rules: readonly unknown[]): Authz {
  const placed = rules.map((rule, index) => ({ value: ruleSchema.parse(rule), place: `rules:${index + 1}` }));
  return createRuleAuthz(compileRules(placed), [], silentLog);
}

/** Policy from the text of a policy file. */
export function authzFrom(text: string): Authz {
  const { rules, problems } = parsePolicyFile(text, "policy.yaml");
  if (problems.length > 0) throw new PolicyError(problems);
  return createRuleAuthz(compileRules(rules), [], silentLog);
}

export const caller = (as: unknown = {}, chain: unknown = {}, request: unknown = {}): Caller =>
  toCaller(asSchema.parse(as), chainSchema.parse(chain), requestSchema.parse(request));

export const operation = (call: unknown): Operation => toOperation(callSchema.parse(call));
