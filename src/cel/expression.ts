import { EvaluationError } from "@marcbachmann/cel-js";
import { nearest } from "../core/nearest.ts";
import type { Context } from "./context.ts";
import { environmentOf, LONGEST_EXPRESSION, type Prepared } from "./environment.ts";
import { TOO_MUCH_WORK, WORK_LIMIT } from "./evaluator.ts";
import { ExpressionError } from "./expression-error.ts";
import { accessOf, callOf, childrenOf, syntaxOf, type SyntaxNode } from "./syntax.ts";
import { fieldsOf, isShape, type VariableName, variables } from "./variables.ts";
import { type Asked, didYouMean, hasLoop, type Meanings, unknownField, unknownVariable, vet } from "./vet.ts";

interface Results {
  readonly bool: boolean;
  readonly string: string;
  readonly double: number;
}
export type ResultType = keyof Results;

const jsTypes = { bool: "boolean", string: "string", double: "number" } as const;

/** A compiled expression. */
export interface Expression<R extends ResultType> {
  readonly source: string;
  /** Whether it reads nothing but the principal: then its value is the same for all that one caller does. */
  readonly readsCallerAlone: boolean;
  /** What has to be found out before it is evaluated. */
  readonly asks: readonly Asked[];
  /** Throws whatever goes wrong: a missing key, a value of another type, CALL_ONLY. */
  evaluate(context: Context): Results[R];
}

export interface CompileOptions<R extends ResultType> {
  /** The variables the expression may read; a context must have them all. */
  readonly variables: readonly VariableName[];
  /** What it must give. An untyped result (`dyn`, such as a claim) is checked when it runs. */
  readonly result: R;
  /** What it may ask of the meaning of a call; absent: nothing. */
  readonly meanings?: Meanings;
}

interface CelFailure {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number };
  readonly node?: SyntaxNode;
}

const isCelFailure = (error: unknown): error is Error & CelFailure =>
  error instanceof Error && "summary" in error && "code" in error;

/** The library's error with the nearest right name. */
function explain(error: CelFailure, { environment }: Prepared, allowed: readonly VariableName[]): string {
  const { code, node, summary } = error;
  if (code === "unknown_variable" && typeof node?.args === "string") return unknownVariable(node.args, allowed);
  if (code === "no_such_key" && node !== undefined) {
    const access = accessOf(node);
    const shape = access?.of.checkedType?.name;
    if (shape !== undefined && isShape(shape) && access?.name !== undefined) return unknownField(shape, access.name);
  }
  if (code === "no_such_overload") {
    const shape = [...summary.matchAll(/[a-z]+\.[a-z]+/g)].map(([name]) => name).find(isShape);
    if (shape !== undefined) return `${shape} is no value; it has ${Object.keys(fieldsOf(shape)).join(", ")}`;
  }
  const call = node === undefined ? undefined : callOf(node);
  if (code === "no_matching_overload" && call !== undefined) {
    const names = new Set(environment.getDefinitions().functions.map((known) => known.name));
    if (!names.has(call.name)) return `there is no function ${call.name}${didYouMean(nearest(call.name, names))}`;
  }
  return summary;
}

function parse(source: string, from: Prepared, allowed: readonly VariableName[]) {
  try {
    const parsed = from.environment.parse(source);
    const { valid, type, error } = parsed.check();
    if (!valid) throw error ?? new Error("the expression does not type-check");
    return { parsed, type };
  } catch (error) {
    if (!isCelFailure(error))
      throw new ExpressionError(error instanceof Error ? error.message : String(error), source, 0, error);
    throw new ExpressionError(explain(error, from, allowed), source, error.range?.start ?? 0, error);
  }
}

/** Whether a variable is named, and not the principal. */
function namesOther(node: SyntaxNode): boolean {
  if (node.op === "id" && node.args !== "principal" && Object.hasOwn(variables, String(node.args))) return true;
  return childrenOf(node).some(namesOther);
}

/** Whether nothing is missing where there is only the principal: the type checker itself says so, unless another is named, since its errors are dear. */
function readsPrincipalAlone(source: string, draft: SyntaxNode): boolean {
  if (namesOther(draft)) return false;
  try {
    return environmentOf(["principal"], false).environment.parse(source).check().valid;
  } catch {
    return false;
  }
}

/*
 * Those that somebody still has, by what they were compiled of: a configuration of a thousand policies is checked, built, and after each change
 * checked and built again, and almost all of its expressions are as they were.
 */
const compiled = new Map<string, WeakRef<Expression<ResultType>>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (compiled.get(key)?.deref() === undefined) compiled.delete(key);
});

/** Parses, type-checks and vets an expression. Throws ExpressionError with what is wrong, where, and the nearest right name. */
export function compileExpression<R extends ResultType>(source: string, options: CompileOptions<R>): Expression<R> {
  // What it may ask of a meaning is each configuration's own.
  if (options.meanings !== undefined) return compile(source, options);
  const key = `${options.result} ${options.variables.join(" ")}: ${source}`;
  const known = compiled.get(key)?.deref() as Expression<R> | undefined;
  if (known !== undefined) return known;
  const made = compile(source, options);
  compiled.set(key, new WeakRef(made));
  forgotten.register(made, key);
  return made;
}

function compile<R extends ResultType>(source: string, options: CompileOptions<R>): Expression<R> {
  const { variables: allowed, result, meanings } = options;
  if (source.length > LONGEST_EXPRESSION)
    throw new ExpressionError(`the expression is longer than ${LONGEST_EXPRESSION} characters`, source, 0);
  const { parsed: draft, type } = parse(source, environmentOf(allowed, false), allowed);
  const asks = vet(syntaxOf(draft), source, meanings);
  if (type !== result && type !== "dyn")
    throw new ExpressionError(`the result must be ${result}, and this is ${type}`, source, 0);
  const metered = hasLoop(syntaxOf(draft));
  const { guardrail } = environmentOf(allowed, metered);
  const parsed = metered ? parse(source, environmentOf(allowed, true), allowed).parsed : draft;
  const expected = jsTypes[result];
  return {
    source,
    readsCallerAlone: readsPrincipalAlone(source, syntaxOf(draft)),
    asks,
    evaluate(context) {
      context.callOnly = false;
      guardrail.fault = undefined;
      guardrail.workLeft = WORK_LIMIT;
      const value: unknown = parsed(context);
      if (guardrail.fault !== undefined) throw guardrail.fault;
      if (typeof value !== expected)
        throw new EvaluationError(`the result must be ${result}, and it is ${value === null ? "null" : typeof value}`);
      return value as Results[R];
    },
  };
}

/* Their summaries quote the value. */
const quoting = new Set(["bool_conversion_error", "invalid_duration"]);

/** What went wrong in an evaluation, in a line for the journal and for people: names from the expression, never a value of the caller's. */
export function evaluationFault(error: unknown): string {
  if (error === TOO_MUCH_WORK) return TOO_MUCH_WORK.message;
  if (!isCelFailure(error)) return `an unexpected ${error instanceof Error ? error.name : "failure"}`;
  const { code, summary, node } = error;
  if (code === "no_such_key") return `No such key: ${(node && accessOf(node)?.name) ?? "a computed one"}`;
  return quoting.has(code) ? code.replaceAll("_", " ") : summary;
}
