import { isFields, nameOf, readBoolean, readCount, wrong } from "./fields.ts";
import type { Fields } from "./fields.ts";

/** The larger of the two when both names are used: a limit in policy must hold for either. */
export function readMaxTokens(fields: Fields): bigint {
  const first = readCount(fields, "max_tokens");
  const second = readCount(fields, "max_completion_tokens");
  return BigInt(first > second ? first : second);
}

/** `stream_options.include_usage`; only streams have it. */
export function readWantsUsage(fields: Fields): boolean {
  const options = fields["stream_options"];
  if (options === undefined || options === null) return false;
  if (!isFields(options)) throw wrong("stream_options", `must be an object, not ${nameOf(options)}`);
  return readBoolean(options, "include_usage");
}

/** Text, or a list of texts, or tokens: what completions call `prompt` and embeddings `input`. */
export function readText(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (value === undefined || value === null) throw wrong(name, "is required: a string, or an array");
  if (typeof value === "string") return [asMessage(value)];
  if (!Array.isArray(value)) throw wrong(name, `must be a string or an array, not ${nameOf(value)}`);
  return typeof value[0] === "string" ? value.map(asMessage) : [asMessage(value)];
}

/* Policies and guards look at messages; a prompt is one. */
const asMessage = (content: unknown) => ({ role: "user", content });
