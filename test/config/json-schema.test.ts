import { describe, expect, test } from "vitest";
import { configJsonSchema } from "../../src/config/json-schema.ts";

const text = JSON.stringify(configJsonSchema());

/** Every part of a JSON Schema that describes a key of a map. */
function keysOf(node: unknown, path = ""): [path: string, node: Record<string, unknown>][] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, inner]: [string, unknown]) => {
    if (key !== "properties") return keysOf(inner, path);
    return Object.entries(inner as Record<string, Record<string, unknown>>).flatMap(([name, property]) => [
      [`${path}.${name}`, property] as [string, Record<string, unknown>],
      ...keysOf(property, `${path}.${name}`),
    ]);
  });
}

describe("the JSON Schema", () => {
  test("describes the file as it is written: human units, defaults left out, no unknown keys", () => {
    const schema = configJsonSchema() as { required: string[]; additionalProperties: boolean };
    expect(schema).toMatchObject({ additionalProperties: false, required: ["policies"] });
    expect(text).toContain('"default":"4MiB"');
  });

  test("says of every key what it does", () => {
    const silent = keysOf(configJsonSchema()).filter(
      ([, node]) => node.description === undefined && node.const === undefined && node.not === undefined,
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test("marks secrets and does not bound whole numbers by what JavaScript can hold", () => {
    expect(text).toContain('"x-secret":true');
    expect(text).not.toContain("9007199254740991");
  });
});
