import { isRecord } from "./request.ts";

/** What can be taken from a text, each piece once, in order. */
interface Material {
  readonly strings: string[];
  readonly numbers: number[];
  readonly whole: string;
}

/**
 * A value that fits the outline of a JSON Schema, made of what the text quotes and counts. JSON written in the text wins.
 * Knows type, properties, required, items, enum, const and default; a schema beyond that gets the nearest simple value.
 */
export function fillSchema(schema: unknown, text: string): unknown {
  const written = findJson(text);
  if (written !== undefined) return written;
  const material: Material = {
    strings: [...text.matchAll(/"([^"]*)"|'([^']*)'|`([^`]*)`/g)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? "",
    ),
    numbers: [...text.matchAll(/-?\d+(?:\.\d+)?/g)].map((match) => Number(match[0])),
    whole: text,
  };
  return fill(schema, material, 0);
}

function findJson(text: string): unknown {
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  if (start === -1 || end <= start) return undefined;
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    return undefined;
  }
}

function fill(schema: unknown, material: Material, depth: number): unknown {
  if (!isRecord(schema) || depth > 8) return {};
  if ("const" in schema) return schema["const"];
  const options = schema["enum"];
  if (Array.isArray(options))
    return options.find((option) => typeof option === "string" && material.whole.includes(option)) ?? options[0];
  switch (schemaType(schema)) {
    case "string":
      return material.strings.shift() ?? schema["default"] ?? material.whole;
    case "integer":
      return Math.trunc(material.numbers.shift() ?? toNumber(schema["default"]));
    case "number":
      return material.numbers.shift() ?? toNumber(schema["default"]);
    case "boolean":
      return schema["default"] ?? true;
    case "array":
      return [fill(schema["items"], material, depth + 1)];
    case "null":
      return null;
    default:
      return fillObject(schema, material, depth);
  }
}

function fillObject(schema: Record<string, unknown>, material: Material, depth: number): Record<string, unknown> {
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const entries = Object.entries(properties).filter(([name]) => required.includes(name));
  return Object.fromEntries(entries.map(([name, property]) => [name, fill(property, material, depth + 1)]));
}

function schemaType(schema: Record<string, unknown>): unknown {
  const type = schema["type"];
  return Array.isArray(type) ? type[0] : type;
}

function toNumber(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
