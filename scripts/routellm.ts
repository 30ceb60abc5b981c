import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../src/core/errors.ts";

/*
 * Published answers of GPT-4 and Mixtral to exam questions, as a labelled file for `sallyport route-eval`:
 *   git clone --depth 1 https://github.com/lm-sys/RouteLLM
 *   node bin/run.js scripts/routellm.ts RouteLLM mmlu > mmlu.jsonl
 */

const sets: Readonly<Record<string, string>> = {
  mmlu: "routellm/evals/mmlu/responses/mmlu_*.csv",
  gsm8k: "routellm/evals/gsm8k/gsm8k_responses.csv",
};
const STRONG = "gpt-4-1106-preview";
const WEAK = "mistralai/Mixtral-8x7B-Instruct-v0.1";

/** The records of a CSV text (RFC 4180), each with the names of the first line. */
export function* readCsv(text: string): Generator<Readonly<Record<string, string>>> {
  let names: readonly string[] | undefined;
  let record: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === ",") continue;
    if (record.length > 1) {
      if (names === undefined) names = record;
      else yield Object.fromEntries(names.map((name, index) => [name, record[index] ?? ""]));
    }
    record = [];
  }
}

/** The labelled lines of one set, without the prompts that RouteLLM found in the training data of its routers. */
export function* toLabelled(folder: string, set: string): Generator<string> {
  const pattern = sets[set];
  const files = pattern === undefined ? [] : globSync(pattern, { cwd: folder }).toSorted();
  if (files.length === 0)
    throw new GatewayError(
      "invalid_request",
      `Usage: routellm.ts FOLDER ${Object.keys(sets).join("|")}, where FOLDER is a clone of RouteLLM.`,
    );
  const known = readFileSync(join(folder, `routellm/evals/${set}/contaminated_prompts.jsonl`), "utf8");
  const seen = new Set(
    known
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => (JSON.parse(line) as { eval_prompt: string }).eval_prompt),
  );
  for (const file of files)
    for (const row of readCsv(readFileSync(join(folder, file), "utf8"))) {
      const { prompt = "" } = row;
      if (seen.has(prompt)) continue;
      yield JSON.stringify({ prompt, weak: row[WEAK] === "True", strong: row[STRONG] === "True" });
    }
}

if (import.meta.main) {
  const [folder = "", set = ""] = process.argv.slice(2);
  try {
    for (const line of toLabelled(folder, set)) process.stdout.write(`${line}\n`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
