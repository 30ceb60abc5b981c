import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createVariant, defineExtension, variants } from "../../src/core/extension.ts";

interface Deps {
  readonly unit: string;
}
const defineRuler = defineExtension<Deps, () => string>();

const metre = defineRuler({
  type: "metre",
  description: "A ruler of metres.",
  options: { length: z.int().default(1) },
  create:
    ({ length }, { unit }) =>
    () =>
      `${length} ${unit}`,
});
const named = defineRuler({
  type: "named",
  description: "A ruler with a name.",
  options: { name: z.string() },
  create:
    ({ name }) =>
    () =>
      name,
});
const rulers = [metre, named] as const;
const schema = variants(rulers, { loud: z.boolean().default(false) });

describe("an extension", () => {
  test("gives its config branch, with defaults and the common options", () => {
    const parsed = schema.parse({ type: "metre" });
    expect(parsed).toEqual({ type: "metre", length: 1, loud: false });
    expectTypeOf(parsed.type).toEqualTypeOf<"metre" | "named">();
    if (parsed.type === "metre") expectTypeOf(parsed.length).toEqualTypeOf<number>();
    // @ts-expect-error an option of the other extension
    else expectTypeOf(parsed.length).toBeNever();
  });

  test("refuses an option it does not have and a type nobody defines", () => {
    expect(z.prettifyError(schema.safeParse({ type: "metre", lenght: 2 }).error!)).toContain(
      'Unrecognized key: "lenght"',
    );
    expect(schema.safeParse({ type: "yard" }).success).toBe(false);
  });

  test("is built from its parsed entry", () => {
    expect(createVariant(rulers, schema.parse({ type: "metre", length: 3 }), { unit: "m" })()).toBe("3 m");
    expect(createVariant(rulers, schema.parse({ type: "named", name: "yard" }), { unit: "m" })()).toBe("yard");
  });

  test("has its description in the JSON Schema", () => {
    expect(JSON.stringify(z.toJSONSchema(schema))).toContain("A ruler of metres.");
  });
});
