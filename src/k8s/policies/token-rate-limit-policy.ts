import { configSchema } from "../../config/schema.ts";
import { conditionsOf } from "../condition.ts";
import {
  tokenRateLimitPolicy,
  type TokenRateLimitPolicySpec,
  type TokenLimitSpec,
} from "../kinds/token-rate-limit-policy.ts";
import { definePolicy, type PolicyContext } from "./define-policy.ts";
import { type Part, type Parts, partsOf, policiesAt, reachOf, tagParts } from "./parts.ts";
import { effectiveAt, type EffectiveLimit, limitsOf } from "./token-limits.ts";
import { translateAttributes } from "./attributes.ts";
import { findOrdinaryRoutes, type OrdinaryRoutes } from "./ordinary-routes.ts";
import { inParens } from "./in-parens.ts";
import { readRates } from "./token-rates.ts";
import type { Remark } from "../kinds/define-kind.ts";
import type { ConfigPath } from "../../core/config-problem.ts";

type Context = PolicyContext<TokenRateLimitPolicySpec>;

export const tokenRateLimitPolicyPolicy = definePolicy<TokenRateLimitPolicySpec>({
  kind: tokenRateLimitPolicy,
  targets: ({ spec: { targetRef } }) => [{ path: ["spec", "targetRef"], ...targetRef }],
  ai: () => true,
  apply(policies) {
    const sound = policies.filter((policy) => isSound(policy));
    const parts = partsOf(sound);
    const effective: Effective = new Map(
      [...policiesAt(parts, sound)].map(([part, ranked]) => [part, effectiveAt(ranked)]),
    );
    const inForce = Map.groupBy(
      [...effective].flatMap(([part, limits]) => limits.map((limit) => ({ part, limit }))),
      ({ limit }) => limit.from,
    );
    for (const policy of sound) {
      const ordinary = findOrdinaryRoutes(policy);
      putBudgets(policy, parts, inForce.get(policy) ?? []);
      tellEnforced(policy, parts, effective, ordinary);
    }
  },
  refused({ manifest, because, reason, status }) {
    const told = ["False", because, `TokenRateLimitPolicy is invalid: ${reason}`] as const;
    status(statusOf(manifest.metadata.generation, told));
  },
});

type Effective = ReadonlyMap<Part, readonly EffectiveLimit[]>;

interface InForce {
  readonly part: Part;
  readonly limit: EffectiveLimit;
}

/* One budget for each limit, wherever it is in force under the same conditions; each route has counters of its own. */
function putBudgets(policy: Context, all: Parts, inForce: readonly InForce[]): void {
  const { namespace, name } = policy.object;
  const byName = Map.groupBy(inForce, ({ limit }) => limit.name);
  for (const [limitName, limit] of Object.entries(limitsOf(policy.object.spec))) {
    const rates = readRates(limit, []).limits;
    if (rates.length === 0) continue;
    let number = 0;
    const groups = Map.groupBy(byName.get(limitName) ?? [], (each) => JSON.stringify(each.limit.when));
    for (const own of groups.values()) {
      number += 1;
      const budget = `${namespace}/${name}/${limitName}${number > 1 ? `:${number}` : ""}`;
      const tag = `TokenRateLimitPolicy ${budget}`;
      const parts = own.map(({ part }) => part);
      const scope = tagParts(tag, parts, all, policy.tag);
      const conditions = [scope, ...(own[0]?.limit.when ?? [])];
      const routes = new Set(parts.map(({ route }) => route));
      policy.config.push(["budgets"], {
        name: budget,
        where: conditions.length === 1 ? scope : conditions.map(inParens).join(" && "),
        ...perOf(limit, routes.size > 1),
        limits: rates,
      });
    }
  }
}

/* A line break stands in no header, so that no caller can make a key that is another's. */
function perOf({ counters = [] }: TokenLimitSpec, perRoute: boolean): { readonly per?: string } {
  const keys = [
    ...(perRoute ? ["request.route"] : []),
    ...counters.map(({ expression }) => `string(${sourceOf(expression)})`),
  ];
  return keys.length === 0 ? {} : { per: keys.join(' + "\\n" + ') };
}

function sourceOf(expression: string): string {
  const translated = translateAttributes(expression);
  return "source" in translated ? translated.source : "false";
}

function isSound(policy: Context): boolean {
  const faults = faultsOf(policy);
  for (const fault of faults) policy.refuse(fault);
  if (faults.length === 0) return true;
  const reason = faults.some(({ kind }) => kind === "cel") ? "InvalidCelExpression" : "Invalid";
  tell(
    policy,
    ["False", "Invalid", `TokenRateLimitPolicy is invalid: ${faults.map(({ message }) => message).join("; ")}`],
    ["False", reason, "TokenRateLimitPolicy is not enforced: it is invalid"],
  );
  return false;
}

type Fault = Remark & { readonly kind: "cel" | "other" };

function faultsOf({ object: { spec, namespace, name }, warn }: Context): readonly Fault[] {
  const faults: Fault[] = [];
  const at =
    spec.overrides !== undefined
      ? ["spec", "overrides"]
      : spec.defaults !== undefined
        ? ["spec", "defaults"]
        : ["spec"];
  const tryCel = (key: "where" | "per", text: string, path: ConfigPath) => {
    const translated = translateAttributes(text);
    if ("refused" in translated) return void faults.push({ path, message: translated.refused, kind: "cel" });
    const source = key === "per" ? `string(${translated.source})` : translated.source;
    const read = configSchema.shape.budgets.safeParse([{ name: "x", [key]: source, limits: ["1 tokens"] }]);
    const readAs = translated.source === text ? "" : `; it is read here as \`${translated.source}\``;
    if (!read.success)
      faults.push({
        path,
        message: `${read.error.issues.map((issue) => issue.message).join("; ")}${readAs}`,
        kind: "cel",
      });
  };
  const tryWhen = (when: TokenLimitSpec["when"], path: ConfigPath) =>
    (when ?? []).forEach(({ predicate }, index) => tryCel("where", predicate, [...path, "when", index, "predicate"]));
  tryWhen(spec.overrides?.when ?? spec.defaults?.when ?? spec.when, at);
  for (const [limitName, limit] of Object.entries(limitsOf(spec))) {
    const here = [...at, "limits", limitName];
    if (!/^[A-Za-z0-9._:-]{1,63}$/.test(limitName) || `${namespace}/${name}/${limitName}`.length > 240)
      faults.push({ path: here, message: "a name of letters, digits and . _ : -, at most 63 long", kind: "other" });
    const rates = readRates(limit, here);
    faults.push(...rates.faults.map((fault) => ({ ...fault, kind: "other" as const })));
    if (rates.limits.length + rates.faults.length === 0)
      warn({ path: here, message: "has no rates, so it limits nothing" });
    tryWhen(limit.when, here);
    for (const [index, { expression }] of (limit.counters ?? []).entries())
      tryCel("per", expression, [...here, "counters", index, "expression"]);
  }
  return faults;
}

type Told = readonly [status: "True" | "False" | "Unknown", reason: string, message: string];

function tellEnforced(policy: Context, parts: Parts, effective: Effective, ordinary: OrdinaryRoutes | undefined): void {
  const accepted: Told = ["True", "Accepted", "TokenRateLimitPolicy has been accepted"];
  const [missing] = policy.missing;
  if (missing !== undefined)
    return tell(policy, ["False", "TargetNotFound", `TokenRateLimitPolicy target ${missing.name} was not found`]);
  const reached = reachOf(policy, parts);
  if (reached.length === 0)
    return tell(policy, accepted, [
      "Unknown",
      "Unknown",
      "TokenRateLimitPolicy is not in the path to any existing routes",
    ]);
  if (ordinary?.all === true)
    return tell(policy, accepted, [
      "Unknown",
      "Unknown",
      `TokenRateLimitPolicy is not in the path to any existing routes of models; not for ${ordinary.text}`,
    ]);
  const names = Object.keys(limitsOf(policy.object.spec));
  const rival = rivalOf(policy, names, reached, effective);
  if (rival !== undefined) {
    policy.warn(rival);
    if (rival.lost === names.length)
      return tell(policy, ["False", "Conflicted", `TokenRateLimitPolicy is conflicted: ${rival.message}`]);
  }
  const counts = reached.map((part) => (effective.get(part) ?? []).filter(({ from }) => from === policy).length);
  const partly = `TokenRateLimitPolicy has been partially enforced${ordinary === undefined ? "" : `: not for ${ordinary.text}`}`;
  if (counts.every((count) => count === names.length) && ordinary === undefined)
    return tell(policy, accepted, ["True", "Enforced", "TokenRateLimitPolicy has been successfully enforced"]);
  if (counts.some((count) => count > 0)) return tell(policy, accepted, ["True", "Enforced", partly]);
  const others = new Set(reached.flatMap((part) => (effective.get(part) ?? []).map(({ from }) => from.object)));
  const by = [...others].map(({ namespace, name }) => `${namespace}/${name}`).join(" ");
  tell(policy, accepted, ["False", "Overridden", `TokenRateLimitPolicy is overridden by [${by}]`]);
}

/* Of two on one target the older prevails, and whoever wrote the other has to hear of it. */
function rivalOf(policy: Context, names: readonly string[], reached: readonly Part[], effective: Effective) {
  const [own] = policy.targets;
  const inForce = reached.flatMap((part) => effective.get(part) ?? []);
  const lost = names.filter((name) => !inForce.some((limit) => limit.from === policy && limit.name === name));
  const rival = inForce.find(({ from }) => {
    const [other] = from.targets;
    return from !== policy && other?.object === own?.object && other?.ref.sectionName === own?.ref.sectionName;
  });
  if (rival === undefined || lost.length === 0) return undefined;
  const { namespace, name } = rival.from.object;
  const message = `TokenRateLimitPolicy ${namespace}/${name} is for the same target and goes before this one, of which ${lost.length === names.length ? "nothing" : `not ${lost.join(", ")}`} is in force: the older one does, then the first by name, and \`overrides\` before both`;
  return { path: ["spec", "targetRef"], message, lost: lost.length };
}

const tell = ({ object, status }: Context, ...told: readonly [accepted: Told, enforced?: Told]): void =>
  status(statusOf(object.metadata.generation, ...told));

function statusOf(generation: number | undefined, accepted: Told, enforced?: Told) {
  const condition = conditionsOf(generation);
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: [
      condition("Accepted", ...accepted),
      ...(enforced === undefined ? [] : [condition("Enforced", ...enforced)]),
    ],
  };
}
