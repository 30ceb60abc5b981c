import { Context } from "../../cel/context.ts";
import { compileExpression, evaluationFault, type Expression } from "../../cel/expression.ts";
import type { Asked, Meanings } from "../../cel/vet.ts";
import type { Exchange, Route } from "../../core/exchange.ts";
import type { LlmVariables, Meaning } from "../../core/operation.ts";
import { tenantOf } from "../../core/tenant.ts";

/** The condition of a choice, which may ask for these meanings. Throws ExpressionError. */
export const compileChoice = (when: string, meanings: Meanings): Expression<"bool"> =>
  compileExpression(when, { variables: ["principal", "request", "llm"], result: "bool", meanings });

/** A rule of a choice, ready to be asked. */
export interface ChoiceRule {
  readonly when: Expression<"bool">;
  readonly use: string;
}

/** What was chosen. */
export interface Choice {
  readonly use: string;
  /** Which rule, counted from 1; undefined: none held. */
  readonly rule: number | undefined;
  /** Rules before it that failed, and how: names of the expression, never a value of the caller's. */
  readonly faults: readonly { readonly rule: number; readonly fault: string }[];
  /** Who could not be asked, in words for the journal. */
  readonly unasked: readonly string[];
}

/** A choice under way. */
class Choosing {
  #faults: Choice["faults"] = [];
  #unasked: Choice["unasked"] = [];
  readonly #context: Context;

  constructor(caller: Caller, llm: LlmVariables) {
    const { principal, request, route } = caller;
    this.#context = new Context({ principal, request, route, tenant: tenantOf(caller), variables: { llm } });
  }

  /* A rule that fails does not hold: no expression can make a call fail. */
  holds(when: Expression<"bool">, rule: number): boolean {
    try {
      return when.evaluate(this.#context);
    } catch (error) {
      this.#faults = [...this.#faults, { rule, fault: evaluationFault(error) }];
      return false;
    }
  }

  lack(unasked: readonly string[]): void {
    this.#unasked = [...this.#unasked, ...unasked];
  }

  end(use: string, rule?: number): Choice {
    return { use, rule, faults: this.#faults, unasked: this.#unasked };
  }
}

type Caller = Pick<Exchange, "principal" | "request"> & { readonly route?: Pick<Route, "path" | "tenant"> };

/** Asks the rules in their order. Those that need something to be found out are passed over. */
export function choose(rules: readonly ChoiceRule[], otherwise: string, caller: Caller, llm: LlmVariables): Choice {
  const choosing = new Choosing(caller, llm);
  for (const [index, { when, use }] of rules.entries())
    if (when.asks.length === 0 && choosing.holds(when, index + 1)) return choosing.end(use, index + 1);
  return choosing.end(otherwise);
}

/** The same, and finds out what a rule asks for when its turn comes: what no rule gets to is not found out. */
export async function chooseAsking(
  rules: readonly ChoiceRule[],
  otherwise: string,
  caller: Caller,
  llm: LlmVariables & { readonly meaning: Finder },
): Promise<Choice> {
  const choosing = new Choosing(caller, llm);
  for (const [index, { when, use }] of rules.entries()) {
    const rule = index + 1;
    if (when.asks.length > 0) choosing.lack(await llm.meaning.find(when.asks));
    if (choosing.holds(when, rule)) return choosing.end(use, rule);
  }
  return choosing.end(otherwise);
}

/** Finds out what expressions ask for. Never rejects: gives what could not be found out, in words for the journal. */
export interface Finder extends Meaning {
  find(asks: readonly Asked[]): Promise<readonly string[]>;
}
