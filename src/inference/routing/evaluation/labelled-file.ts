import { createHash } from "node:crypto";
import { GatewayError } from "../../../core/errors.ts";
import { isJsonObject } from "../../../core/json-texts.ts";

/** One prompt, and how well either model did on it: 0 or 1 for wrong or right, or any measure of quality where more is better. */
export interface Labelled {
  readonly prompt: string;
  readonly weak: number;
  readonly strong: number;
}

/**
 * The lines of a labelled file: JSON objects with `prompt`, `weak` and `strong`, the latter two true or false or a number. Empty lines
 * are passed over. Throws `invalid_request` that names the line at fault.
 */
export function parseLabelled(text: string): readonly Labelled[] {
  const rows: Labelled[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    if (line.trim() !== "") rows.push(parseLine(line, number));
  }
  return rows;
}

function parseLine(line: string, number: number): Labelled {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw wrongLine(number, "is not JSON", cause);
  }
  if (!isJsonObject(value)) throw wrongLine(number, "must be a JSON object");
  const { prompt } = value;
  if (typeof prompt !== "string") throw wrongLine(number, "needs `prompt`, a string");
  return {
    prompt,
    weak: toQuality(value["weak"], "weak", number),
    strong: toQuality(value["strong"], "strong", number),
  };
}

function toQuality(value: unknown, name: string, number: number): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrongLine(number, `needs \`${name}\`: true or false, or a number`);
}

function wrongLine(number: number, what: string, cause?: unknown): GatewayError {
  return new GatewayError(
    "invalid_request",
    `Line ${number} of the labelled file ${what}. Write lines such as {"prompt": "…", "weak": false, "strong": true}.`,
    { cause },
  );
}

/** The rows to fit on and the rows to report on. */
export interface Halves {
  readonly tune: readonly Labelled[];
  readonly held: readonly Labelled[];
}

/**
 * Two halves by the SHA-256 of the prompt: equal prompts are in one half, and the halves are the same in every run and every file, so that
 * weights fitted on one half are never reported on it. Case and spaces make no other prompt.
 */
export function splitHalves(rows: readonly Labelled[]): Halves {
  const tune: Labelled[] = [];
  const held: Labelled[] = [];
  for (const row of rows) {
    const spelling = row.prompt.toLowerCase().replace(/\s+/g, " ").trim();
    const odd = createHash("sha256").update(spelling).digest()[0]! & 1;
    (odd === 1 ? tune : held).push(row);
  }
  return { tune, held };
}
