import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { syntaxOf } from "./syntax.ts";
import { CALL_ONLY } from "./views.ts";

/* What the library's evaluator offers to the nodes it runs; not part of its types, pinned with its version and held by tests. */
interface Evaluator {
  run(node: Runnable, context: unknown): unknown;
  tryEval(node: Runnable, context: unknown): unknown;
  debugType(value: unknown): unknown;
  debugTypeDeep(value: unknown): unknown;
}
interface Runnable {
  evaluate(evaluator: Evaluator, node: Runnable, context: unknown): unknown;
}

/** Node evaluations one expression with a loop may take: about 10 ms. */
export const WORK_LIMIT = 100_000;

/* An error costs 10 µs to make, and a quantifier goes on after it. */
const ERROR_WORK = 100;

/* One object: a quantifier runs on through the rest of its list after an error, and a stack for each of 100,000 items took 600 ms. */
export const TOO_MUCH_WORK: Error = Object.freeze(new RangeError("the expression takes too much work on this input"));

/** State of the evaluation under way; evaluations are synchronous and never nest. */
export interface Guardrail {
  /** An exception that is no evaluation error: a fault in the gateway's own data, which `||` must not be able to hide. */
  fault: unknown;
  workLeft: number;
}

/** Long values make single steps long: a unit for every 4 items of a list or map and every 512 characters of a text that a step yields. */
function workOf(value: unknown): number {
  if (typeof value === "string") return value.length >> 9;
  if (Array.isArray(value)) return value.length >> 2;
  /* Counting keys is as much work as what the count pays for, so it is charged without being remembered. */
  if (typeof value === "object" && value !== null && !(value instanceof Date)) return Object.keys(value).length >> 2;
  return 0;
}

function evaluatorOf(environment: Environment): Evaluator {
  let found: Evaluator | undefined;
  const probe = environment.parse("true");
  (syntaxOf(probe) as unknown as Runnable).evaluate = (evaluator) => {
    found = evaluator;
    return true;
  };
  probe();
  if (found === undefined) throw new Error("The CEL library runs expressions in a way this build does not know.");
  return found;
}

/**
 * Closes three holes of the evaluator of cel-js 8.0.0, for every expression of this environment.
 * Types: it registers a type for every nesting of lists and maps it meets and keeps it for ever, 3 kB for each request of a hostile caller.
 * Faults: `&&` and `||` absorb any exception, so a failing getter could end in true.
 * Work (`metered`): a loop over a list within a loop over a list takes a caller's own list squared.
 */
export function harden(environment: Environment, metered: boolean): Guardrail {
  const evaluator = evaluatorOf(environment);
  const state: Guardrail = { fault: undefined, workLeft: WORK_LIMIT };
  evaluator.debugTypeDeep = evaluator.debugType;
  evaluator.tryEval = (node, context) => {
    try {
      return evaluator.run(node, context);
    } catch (error) {
      if (error !== CALL_ONLY && !(error instanceof EvaluationError)) state.fault ??= error;
      state.workLeft -= ERROR_WORK;
      return error;
    }
  };
  if (metered) {
    evaluator.run = (node, context) => {
      const value = state.workLeft <= 0 ? undefined : node.evaluate(evaluator, node, context);
      state.workLeft -= 1 + workOf(value);
      if (state.workLeft <= 0) throw TOO_MUCH_WORK;
      return value;
    };
  }
  return state;
}
