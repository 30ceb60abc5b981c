import { z } from "zod";

type Forms = Readonly<Record<string, z.ZodType>>;

interface KeyedUnionDef extends z.core.$ZodUnionDef {
  readonly keyed: { readonly forms: Forms; readonly unknown: (entry: unknown) => string };
}

/* A class of its own, as zod has one for its other unions: `meta` and `optional` copy a schema by its constructor. */
const KeyedUnion = z.core.$constructor("KeyedUnion", (inst: z.ZodUnion, def: KeyedUnionDef) => {
  z.ZodUnion.init(inst, def);
  const { forms, unknown } = def.keyed;
  inst._zod.parse = (payload, context) => {
    const { value } = payload;
    const key = typeof value === "object" && value !== null ? formOf(forms, value) : undefined;
    if (key !== undefined) return forms[key]!._zod.run(payload, context);
    payload.issues.push({ code: "custom", message: unknown(value), input: value, inst });
    return payload;
  };
});

const formOf = (forms: Forms, value: object) => Object.keys(forms).find((key) => Object.hasOwn(value, key));

/**
 * Maps of several forms, told apart by which of the keys is there: problems are those of the form that was meant. The first of the keys
 * counts where there are several; the form itself refuses the others. `unknown` says what is wrong where none is there.
 */
export function keyedUnion<const F extends Forms>(
  forms: F,
  unknown: (entry: unknown) => string,
): z.ZodUnion<readonly F[keyof F][]> {
  const def: KeyedUnionDef = {
    type: "union",
    options: Object.values(forms),
    inclusive: true,
    keyed: { forms, unknown },
  };
  return new KeyedUnion(def) as unknown as z.ZodUnion<readonly F[keyof F][]>;
}
