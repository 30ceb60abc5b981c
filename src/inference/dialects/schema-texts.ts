import type { JsonPath } from "../../core/json-edit.ts";
import type { TextGatherer } from "../../core/json-texts.ts";

/** What a tool or an answer's schema says in words. A poisoned tool speaks through its descriptions, those of its parameters too. */
export function addSchemaTexts(texts: TextGatherer, schema: unknown, path: JsonPath): void {
  // The elements of `enum` and `examples` stand under no name of their own.
  texts.addAll(schema, path, "system", (key) => typeof key === "number" || worded.has(key));
}

const worded: ReadonlySet<string> = new Set(["description", "title", "const", "default", "definition"]);
