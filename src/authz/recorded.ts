import { Context, type ContextSource } from "../cel/context.ts";
import { evaluationFault } from "../cel/expression.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import { knownPart, unknownAnswer } from "../cel/known-part.ts";
import { provePatterns } from "../cel/prove-patterns.ts";
import type { Decision } from "../core/decision.ts";
import type { Mode, Protocol, Target } from "../core/operation.ts";
import { compileRules } from "./compile-rules.ts";
import { PolicyError } from "./policy-error.ts";
import { ruleSchema } from "./rule.ts";

/** What the journal has of an operation: names, and never what was said. */
export interface RecordedOperation {
  readonly timeMs: number;
  readonly chainId: string;
  readonly depth: number;
  readonly path?: readonly string[];
  readonly route: string;
  /** That it was counted for, where the principal has none. */
  readonly tenant?: string;
  readonly protocol: Protocol;
  readonly method: string;
  readonly mode: Mode;
  readonly principal: {
    readonly id: string;
    readonly tenant: string;
    readonly client: string;
    readonly actors: readonly object[];
    readonly groups?: readonly string[];
    readonly scopes?: readonly string[];
  };
  readonly target: Target;
  readonly decision?: Pick<Decision, "allow" | "rule">;
}

/** What a rule that is not in force would have done to one recorded operation. */
export interface TrialVerdict {
  /** Whether its expression is true; undefined: nobody can tell. */
  readonly matches: boolean | undefined;
  readonly would: "allow" | "deny" | "nothing" | "unknown";
  /** What it asks for and no record has, such as `mcp.tool.arguments`. */
  readonly missing?: string;
  /** Why its expression fails, and so does not match; the rule then does what such a rule does: an allow lets nothing pass, others refuse. */
  readonly failed?: string;
}

/** Undefined: it does not judge such operations. */
export type Trial = (record: RecordedOperation) => TrialVerdict | undefined;

/** Decisions that no rule can change: nobody was asked, or a guard refused what the rules had let pass. */
const isOfRules = ({ decision }: RecordedOperation): boolean =>
  decision !== undefined &&
  decision.rule !== "any principal" &&
  decision.rule !== "the gateway's own" &&
  !decision.rule.startsWith("guard ");

/**
 * Compiles a rule for trial; what is dear to check of it is checked in a thread of its own. Throws ZodError for what is no rule, and PolicyError for an
 * expression that cannot be used.
 */
export async function createTrial(given: unknown, signal: AbortSignal): Promise<Trial> {
  const value = ruleSchema.parse({ name: "trial", ...(given as object) });
  try {
    await provePatterns(value.allow ?? value.deny ?? value.require ?? "", signal);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new PolicyError([{ place: "this rule", message: error.message, excerpt: error.excerpt }]);
  }
  const [rule] = compileRules([{ value, place: "this rule" }]);
  if (rule === undefined) throw new Error("a rule compiles to one rule");
  const { effect, expression, scopes, on } = rule;

  return (record) => {
    if (!on.includes(record.protocol) || !isOfRules(record)) return undefined;
    const evaluated = evaluate(record);
    const { matches } = evaluated;
    if (matches === undefined) return { ...evaluated, would: "unknown" };
    const holdsScopes = scopes.every((scope) => record.principal.scopes?.includes(scope) === true);
    const { allow, rule: decisive } = record.decision!;
    const denies =
      effect === "deny"
        ? (matches || evaluated.failed !== undefined) && (scopes.length === 0 || !holdsScopes)
        : effect === "require" && !(matches && holdsScopes);
    if (allow && denies) return { ...evaluated, would: "deny" };
    if (effect === "allow" && matches && holdsScopes && !allow && decisive === "default")
      return { ...evaluated, would: "allow" };
    return { ...evaluated, would: "nothing" };
  };

  function evaluate(record: RecordedOperation): Pick<TrialVerdict, "matches" | "missing" | "failed"> {
    let missing: string | undefined;
    const source = toSource(record, (field) => (missing ??= field));
    try {
      return { matches: expression.evaluate(new Context(source)) };
    } catch (error) {
      return missing === undefined
        ? { matches: false, failed: evaluationFault(error) }
        : { matches: undefined, missing };
    }
  }
}

function toSource(record: RecordedOperation, asked: (field: string) => void): ContextSource {
  const { timeMs, chainId, depth, path = [], route, tenant, principal } = record;
  const hash = principal.id.indexOf("#");
  const part = (shape: Parameters<typeof knownPart>[0], known: Readonly<Record<string, unknown>>) =>
    knownPart(shape, known, asked);
  return {
    principal: part("principal", {
      ...principal,
      groups: principal.groups ?? [],
      scopes: principal.scopes ?? [],
      issuer: principal.id.slice(0, hash),
      subject: principal.id.slice(hash + 1),
    }),
    request: part("request", { receivedAtMs: timeMs }),
    route: { path: route },
    tenant: tenant ?? principal.tenant,
    chain: part("chain", { id: chainId, depth, path, ...(depth === 0 && { root: principal.id }) }),
    variables: toVariables(record, part),
    remaining: unknownAnswer("budget.remaining", asked),
  } as unknown as ContextSource; // Parts of what a call has; what is missing says so when it is read.
}

type Part = (shape: Parameters<typeof knownPart>[0], known: Readonly<Record<string, unknown>>) => object;

function toVariables({ protocol, method, mode, target }: RecordedOperation, part: Part): object {
  const { kind, name, server } = target;
  switch (protocol) {
    case "mcp":
      return {
        mcp: part("mcp", {
          method,
          server,
          tool: part("mcp.tool", { name: kind === "tool" ? name : "" }),
          resource: part("mcp.resource", { uri: kind === "resource" ? name : "" }),
          prompt: part("mcp.prompt", { name: kind === "prompt" ? name : "" }),
        }),
      };
    case "a2a":
      return {
        a2a: part("a2a", {
          method,
          agent: server,
          task: part("a2a.task", kind === "task" ? { id: name } : {}),
          message: part("a2a.message", {}),
        }),
      };
    case "llm":
      return {
        llm: part("llm", { model: name, provider: server, stream: mode === "stream", tokens: part("llm.tokens", {}) }),
      };
    default:
      return {};
  }
}
