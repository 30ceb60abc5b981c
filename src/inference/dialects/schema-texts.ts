import type { JsonPath } from "../../core/json-edit.ts";
import { elements, isJsonObject, type TextGatherer } from "../../core/json-texts.ts";

/** What a tool or an answer's schema says in words. A poisoned tool speaks through its descriptions, those of its parameters too, and through its examples. */
export function addSchemaTexts(texts: TextGatherer, schema: unknown, path: JsonPath): void {
  texts.add(schema, path, "system");
  for (const [element, at] of elements(schema, path)) addSchemaTexts(texts, element, at);
  if (!isJsonObject(schema)) return;
  for (const [name, value] of Object.entries(schema)) {
    const at = [...path, name];
    if (values.has(name)) texts.addAll(value, at, "system");
    else if (typeof value !== "string" || !structural.has(name)) addSchemaTexts(texts, value, at);
  }
}

/* Values as a caller may pass them, in which nothing is structure. */
const values: ReadonlySet<string> = new Set(["const", "default", "enum", "example", "examples", "input_examples"]);

/* What names things, and keywords of JSON Schema whose values are no words. */
const structural: ReadonlySet<string> = new Set([
  "type",
  "name",
  "id",
  "url",
  "format",
  "pattern",
  "$schema",
  "$id",
  "$ref",
  "$anchor",
  "$dynamicRef",
  "$dynamicAnchor",
  "contentEncoding",
  "contentMediaType",
]);
