import { Environment } from "@marcbachmann/cel-js";

/* Rules of a CRD know no variable of ours and their authors are those of the CRD, not callers: no budget is kept. */
const environment = new Environment({ unlistedVariablesAreDyn: true });

/** Says whether a value meets a rule; what the rule fails at, such as a key that is not there, counts as not met. */
export type CrdRule = (self: unknown) => boolean;

/** Compiles a rule of `x-kubernetes-validations`. Throws where it is no CEL. Values are to come from toCelValue. */
export function compileCrdRule(rule: string): CrdRule {
  const evaluate = environment.parse(
    rule
      /* A schema's property that is a word of CEL is escaped there (Kubernetes, CEL property names); this engine reads it as it is. */
      .replaceAll(/\.__(in|namespace|package|function|const|import)__\b/g, ".$1")
      /* This engine's `has` follows no index. */
      .replaceAll(/\bhas\(([\w.]+\[\d+\])\.(\w+)\)/g, "('$2' in $1)"),
  );
  return (self) => {
    try {
      return evaluate({ self }) === true;
    } catch {
      return false;
    }
  };
}

/** A value as the rules of a CRD see it: whole numbers are `int`, which `double`, JavaScript's one number, does not mix with. */
export function toCelValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCelValue);
  if (typeof value !== "object" || value === null) return value;
  const entries: Record<string, unknown> = {};
  /* What is undefined is not there: `has` is to say so. */
  for (const [key, inner] of Object.entries(value)) if (inner !== undefined) entries[key] = toCelValue(inner);
  return entries;
}
