/** How many bytes of the model's own text an event of a stream brings, in any dialect: all strings in its deltas. */
export function streamedBytes(value: unknown): number {
  if (!isObject(value)) return 0;
  const { choices, delta } = value;
  if (Array.isArray(choices)) {
    let bytes = 0;
    for (const choice of choices as readonly unknown[]) {
      if (!isObject(choice)) continue;
      bytes += textBytes(choice["delta"], 0);
      if (typeof choice["text"] === "string") bytes += Buffer.byteLength(choice["text"]);
    }
    return bytes;
  }
  return textBytes(delta, 0);
}

/* What says what a delta is, and not what it says. */
const labels = new Set(["role", "id", "type", "object", "stop_reason", "stop_sequence", "signature", "finish_reason"]);
const DEEPEST = 6;

function textBytes(value: unknown, depth: number): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value !== "object" || value === null || depth > DEEPEST) return 0;
  let bytes = 0;
  for (const key in value) {
    if (!labels.has(key)) bytes += textBytes((value as Readonly<Record<string, unknown>>)[key], depth + 1);
  }
  return bytes;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
