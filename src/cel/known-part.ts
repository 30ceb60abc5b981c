import { EvaluationError } from "@marcbachmann/cel-js";
import { fieldsOf, type ShapeName } from "./variables.ts";

/**
 * What stands for a value of which only some fields are known: reading another fails the evaluation, as far as the expression depends on it, and
 * tells `asked` its name.
 */
export function knownPart(
  shape: ShapeName,
  known: Readonly<Record<string, unknown>>,
  asked: (field: string) => void,
): object {
  const part: Record<string, unknown> = { ...known };
  for (const [name, { from = name }] of Object.entries(fieldsOf(shape))) {
    const [key = name] = from.split(".");
    if (Object.hasOwn(part, key)) continue;
    Object.defineProperty(part, key, {
      get() {
        asked(`${shape}.${name}`);
        throw new EvaluationError("this is not known");
      },
    });
  }
  return part;
}

/** The same of a function: whatever it is asked is not known. */
export const unknownAnswer = (name: string, asked: (field: string) => void) => (): never => {
  asked(name);
  throw new EvaluationError("this is not known");
};
