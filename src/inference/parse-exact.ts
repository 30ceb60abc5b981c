/* ECMAScript "JSON.parse source text access"; not in TypeScript's libraries of this target. */
const { rawJSON, isRawJSON } = JSON as typeof JSON & {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

/** A number of what `parseExact` gave; undefined for anything else. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

/* Numbers that JSON.stringify might spell another way. Inside of strings it costs time only. */
const unusual = /\d{16}|\d\.\d|\d[eE]|-0/;

/** JSON.parse, but numbers that a JavaScript number would spell another way (1.0, 9007199254740993) are kept as JSON.stringify has to write them. */
export function parseExact(text: string): unknown {
  return unusual.test(text) ? JSON.parse(text, keepSpelling) : JSON.parse(text);
}

function keepSpelling(_key: string, value: unknown, context?: { readonly source: string }): unknown {
  if (typeof value !== "number" || context === undefined || String(value) === context.source) return value;
  return rawJSON(context.source);
}
