import { silentLog } from "../core/log.ts";
import { createRuleAuthz } from "./authz.ts";
import { type CompiledRule, compileRules } from "./compile-rules.ts";
import type { Explanation } from "./explanation.ts";
import { toCaller, toOperation } from "./imagined.ts";
import type { Policies } from "./load-policies.ts";
import type { Expectation, Placed, PolicyTest } from "./policy-file.ts";

export interface TestFailure {
  readonly place: string;
  readonly name: string;
  readonly expected: string;
  readonly got: string;
  readonly why: string;
}

/** What came of the tests of some policies. */
export interface TestReport {
  readonly rules: number;
  readonly passed: number;
  readonly failures: readonly TestFailure[];
  /** Rules that no test brought to match: nobody has seen what they do. */
  readonly untested: readonly { readonly rule: string; readonly place: string }[];
}

const sameScopes = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((scope) => b.includes(scope));

function meets(expect: Expectation, { decision }: Explanation): boolean {
  switch (expect.kind) {
    case "allow":
      return decision.allow && (expect.by === undefined || expect.by === decision.rule);
    case "deny":
      return !decision.allow && (expect.by === undefined || expect.by === decision.rule);
    case "challenge":
      return !decision.allow && decision.scopes !== undefined && sameScopes(decision.scopes, expect.scopes);
    case "visible":
      return decision.allow || decision.scopes !== undefined;
    case "hidden":
      return !decision.allow && decision.scopes === undefined;
  }
}

function describeExpectation(expect: Expectation): string {
  if (expect.kind === "challenge") return `challenge ${expect.scopes.join(" ")}`;
  return "by" in expect && expect.by !== undefined ? `${expect.kind} by ${expect.by}` : expect.kind;
}

function describeResult({ decision }: Explanation, listing: boolean): string {
  if (listing && (decision.allow || decision.scopes !== undefined)) return `visible by ${decision.rule}`;
  if (decision.allow) return `allow by ${decision.rule}`;
  if (decision.scopes !== undefined) return `challenge ${decision.scopes.join(" ")} by ${decision.rule}`;
  return `${listing ? "hidden" : "deny"} by ${decision.rule}`;
}

/** `analyst asks for tool read_file`, for a test that has no name of its own. */
function nameOf({ name, as, call, list }: PolicyTest): string {
  if (name !== undefined) return name;
  const { target } = toOperation(call ?? list ?? {});
  const who = as.groups.length > 0 ? as.groups.join(", ") : as.subject;
  return `${who} ${list === undefined ? "calls" : "lists"} ${target.kind} ${target.name}`;
}

function runOne(
  compiled: readonly CompiledRule[],
  { value: test, place }: Placed<PolicyTest>,
  touched: Set<string>,
): TestFailure | undefined {
  const authz = createRuleAuthz(compiled, [], silentLog);
  const listing = test.list !== undefined;
  const operation = toOperation(test.call ?? test.list ?? {});
  const explanation = authz.explain(toCaller(test.as, test.chain, test.request), operation, { listing });
  for (const { rule, effect, outcome } of explanation.rules) {
    /* A require does its work when it does not hold, the others when they match. */
    if (effect === "require" ? outcome === "no match" || outcome === "error" : outcome === "match") touched.add(rule);
  }
  const { decision } = explanation;
  if (!decision.allow && decision.scopes !== undefined) touched.add(decision.rule);
  if (meets(test.expect, explanation)) return undefined;
  const expected = describeExpectation(test.expect);
  return { place, name: nameOf(test), expected, got: describeResult(explanation, listing), why: explanation.why };
}

/** Runs the tests that stand beside the rules, against all rules together. Throws PolicyError when a rule cannot be used. */
export function runPolicyTests({ rules, tests }: Policies): TestReport {
  const compiled = compileRules(rules);
  const touched = new Set<string>();
  const failures = tests.flatMap((test) => runOne(compiled, test, touched) ?? []);
  const untested = compiled.filter(({ name }) => !touched.has(name)).map(({ name, place }) => ({ rule: name, place }));
  return { rules: compiled.length, passed: tests.length - failures.length, failures, untested };
}

/** The report for people: what failed and why, what no test covers, and the counts in the last line. */
export function formatTestReport({ rules, passed, failures, untested }: TestReport): string[] {
  const lines = failures.map(
    ({ place, name, expected, got, why }) => `${place}: ${name}: expected ${expected}, got ${got} (${why})`,
  );
  for (const { rule, place } of untested) lines.push(`${place}: note: no test shows rule "${rule}" at work`);
  const total = passed + failures.length;
  lines.push(
    `policy-test: ${passed}/${total} passed, ${rules} ${rules === 1 ? "rule" : "rules"}, ${untested.length} without a test`,
  );
  return lines;
}
