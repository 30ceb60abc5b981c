import type { TokenLimitSpec, TokenRateLimitPolicySpec } from "../kinds/token-rate-limit-policy.ts";
import type { PolicyContext } from "./define-policy.ts";
import { byAge } from "../precedence.ts";
import type { Ranked } from "./parts.ts";
import { translateAttributes } from "./attributes.ts";

type Context = PolicyContext<TokenRateLimitPolicySpec>;

/** A limit that is in force, by the policy it comes from. */
export interface EffectiveLimit {
  readonly name: string;
  readonly from: Context;
  /** CEL of ours, each of which has to be true. */
  readonly when: readonly string[];
}

export const limitsOf = ({
  overrides,
  defaults,
  limits,
}: TokenRateLimitPolicySpec): Readonly<Record<string, TokenLimitSpec>> =>
  overrides?.limits ?? defaults?.limits ?? limits ?? {};

/* `when` of the whole policy is one more of its rules (kuadrant-operator, merge strategies): it is merged as limits are. */
interface Rules {
  readonly limits: ReadonlyMap<string, Context>;
  readonly when: readonly string[] | undefined;
}

/**
 * The limits in force where these policies meet, the nearest to the traffic first. They are folded from there outward, each time by the
 * strategy of the one further out: defaults give way to what is nearer, overrides do not; `atomic` as a whole, `merge` by name.
 */
export function effectiveAt(policies: readonly Ranked<TokenRateLimitPolicySpec>[]): readonly EffectiveLimit[] {
  let rules: Rules = { limits: new Map(), when: undefined };
  for (const { policy } of policies.toSorted(byTurn)) {
    const { overrides, defaults } = policy.object.spec;
    const own = rulesOf(policy);
    const merges = (overrides ?? defaults)?.strategy === "merge";
    const [front, back] = overrides === undefined ? [rules, own] : [own, rules];
    if (merges) rules = { limits: new Map([...back.limits, ...front.limits]), when: front.when ?? back.when };
    else rules = front.limits.size > 0 ? front : back;
  }
  return [...rules.limits].map(([name, from]) => ({
    name,
    from,
    when: [...(rules.when ?? []), ...predicatesOf(limitsOf(from.object.spec)[name]?.when)],
  }));
}

/* On one target the older policy prevails: overrides by coming last, everything else by coming first. */
function byTurn(a: Ranked<TokenRateLimitPolicySpec>, b: Ranked<TokenRateLimitPolicySpec>): number {
  const overrides = ({ policy }: typeof a) => policy.object.spec.overrides !== undefined;
  if (a.near !== b.near) return b.near - a.near;
  if (overrides(a) !== overrides(b)) return overrides(a) ? 1 : -1;
  return overrides(a) ? byAge(b.policy.object, a.policy.object) : 0;
}

function rulesOf(policy: Context): Rules {
  const { overrides, defaults, when } = policy.object.spec;
  const said = overrides?.when ?? defaults?.when ?? when;
  return {
    limits: new Map(Object.keys(limitsOf(policy.object.spec)).map((name) => [name, policy])),
    when: said && predicatesOf(said),
  };
}

const predicatesOf = (when: TokenLimitSpec["when"] = []): readonly string[] =>
  when.map(({ predicate }) => {
    const translated = translateAttributes(predicate);
    return "source" in translated ? translated.source : "false";
  });
