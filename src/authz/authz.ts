import { createHash } from "node:crypto";
import { allow, type Decision, deny } from "../core/decision.ts";
import type { Log } from "../core/log.ts";
import { type Candidate, type Operation, type Protocol, protocols } from "../core/operation.ts";
import { tenantOf } from "../core/tenant.ts";
import { type CompiledRule, compileRules, type Effect, type ProtocolRules, rulesOn } from "./compile-rules.ts";
import type { PoliciesConfig } from "./config.ts";
import { type Caller, type Case, createCase, decide, shadowOutcomes } from "./decide.ts";
import { type Explanation, explainCase } from "./explanation.ts";
import { loadPolicies } from "./load-policies.ts";

/** The policies of one config epoch. */
export interface Authz {
  /** SHA-256 of the rules, in hex; the journal records it with every decision. */
  readonly policyHash: string;
  /** The files the rules came from, absolute: what a reload watches. */
  readonly files: readonly string[];
  /** Every rule, in the order in which they were written; undefined: policies are open. */
  readonly rules: readonly RuleInfo[] | undefined;
  /** Every scope a rule names, sorted: what an authorization server must be able to issue. */
  readonly scopes: readonly string[];
  /** Whether a rule asks for something of this name: what nobody asks for need not be found out. */
  reads(name: string): boolean;
  /** Judges one operation; for a candidate, with what it says of itself in place of the operation's variables. Never throws. */
  authorize(caller: Caller, operation: Operation, candidate?: Candidate): Decision;
  /** Whether a listed item may be seen: the rules of a call to it, with what only a call has left open. Never throws. */
  visible(caller: Caller, operation: Operation): boolean;
  /** The decision on a call, or on a listed item, rule by rule. */
  explain(
    caller: Caller,
    operation: Operation,
    options?: { readonly listing?: boolean; readonly candidate?: Candidate },
  ): Explanation;
}

/** A rule for people. */
export interface RuleInfo {
  readonly name: string;
  readonly effect: Effect;
  readonly on: readonly Protocol[];
  readonly expression: string;
  /** `policies/tools.yaml:4`. */
  readonly source: string;
  readonly scopes: readonly string[];
  readonly shadow: boolean;
  readonly message?: string;
}

const toInfo = ({ name, effect, on, expression, place, scopes, shadow, message }: CompiledRule): RuleInfo => ({
  name,
  effect,
  on,
  expression: expression.source,
  source: place,
  scopes,
  shadow,
  ...(message !== undefined && { message }),
});

/** Which share of a budget is left to a caller, 0 to 1; undefined: there is no such budget. */
export type RemainingOf = (
  name: string,
  caller: Caller,
  operation: Operation,
  candidate?: Candidate,
) => number | undefined;

export interface AuthzOptions {
  readonly config: PoliciesConfig;
  /** Relative paths start here: the folder of the configuration file. */
  readonly baseDir: string;
  readonly log: Log;
  /** `budget.remaining`; absent: everything is left of every budget. */
  readonly remaining?: RemainingOf;
}

/* A list asks outside the steps, which turn an exception of any other check into a denial. */
function orDeny(log: Log, check: () => Decision): Decision {
  try {
    return check();
  } catch (error) {
    log.error({ error }, "a policy check failed; the operation is denied");
    return deny("default", "the check itself failed");
  }
}

function createOpen(log: Log): Authz {
  log.warn({}, "policies are open: every authenticated caller may do everything");
  const authorize: Authz["authorize"] = (caller, { judged, protocol }) =>
    orDeny(log, () => {
      if (!judged) return allow("principal");
      /* Who may come without a credential to a route of the configuration, that route says. */
      const isAsked = caller.principal.credential === "anonymous" && protocol !== "http";
      const anonymous = isAsked && caller.route?.configured !== true;
      return anonymous ? deny("open", "open policies are for authenticated callers") : allow("open");
    });
  return {
    policyHash: createHash("sha256").update("open").digest("hex"),
    files: [],
    rules: undefined,
    scopes: [],
    reads: () => false,
    authorize,
    visible: (caller, operation) => authorize(caller, operation).allow,
    explain: (caller, operation) => ({ decision: authorize(caller, operation), why: "policies are open", rules: [] }),
  };
}

function hashOf(rules: readonly CompiledRule[]): string {
  const parts = rules.map(({ name, effect, on, scopes, shadow, message, expression }) => [
    name,
    effect,
    on,
    scopes,
    shadow,
    message ?? "",
    expression.source,
  ]);
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Policy from compiled rules. */
export function createRuleAuthz(
  rules: readonly CompiledRule[],
  files: readonly string[],
  log: Log,
  remaining?: RemainingOf,
): Authz {
  const byProtocol = Object.fromEntries(protocols.map((protocol) => [protocol, rulesOn(rules, protocol)])) as Record<
    Protocol,
    ProtocolRules
  >;

  const caseOf = (caller: Caller, operation: Operation, listing: boolean, candidate?: Candidate): Case =>
    createCase(byProtocol[operation.protocol], {
      principal: caller.principal,
      request: caller.request,
      route: caller.route,
      tenant: tenantOf(caller, operation),
      chain: caller.chain,
      variables: operation.variables,
      override: candidate?.variables,
      remaining: remaining && ((name) => remaining(name, caller, operation, candidate)),
      listing,
    });

  return {
    policyHash: hashOf(rules),
    files,
    rules: rules.map(toInfo),
    scopes: [...new Set(rules.flatMap((rule) => rule.scopes))].toSorted(),
    reads: (name) => rules.some(({ expression }) => expression.source.includes(name)),
    authorize: (caller, operation, candidate) =>
      orDeny(log, () => {
        if (!operation.judged) return allow("principal");
        const judged = caseOf(caller, operation, false, candidate);
        const decision = decide(judged);
        if (judged.rules.shadow.length === 0) return decision;
        const shadow = shadowOutcomes(judged);
        return shadow.length === 0 ? decision : { ...decision, shadow };
      }),
    visible(caller, operation) {
      const decision = orDeny(log, () =>
        operation.judged ? decide(caseOf(caller, operation, true)) : allow("principal"),
      );
      return decision.allow || decision.scopes !== undefined;
    },
    explain(caller, operation, { listing = false, candidate } = {}) {
      const judged = caseOf(caller, operation, listing, candidate);
      const decision: Decision = operation.judged ? decide(judged) : allow("principal");
      return explainCase(rules, judged, decision, operation.protocol);
    },
  };
}

/** Loads, checks and compiles the policies. Throws PolicyError with every problem, its place and its fix. */
export async function createAuthz({ config, baseDir, log, remaining }: AuthzOptions): Promise<Authz> {
  if (config === "open") return createOpen(log);
  const { rules, files } = loadPolicies(config, baseDir);
  const compiled = compileRules(rules);
  log.info({ rules: compiled.length, files: files.length }, "policies loaded");
  return createRuleAuthz(compiled, files, log, remaining);
}
