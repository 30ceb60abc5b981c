import { isJsonObject } from "../../../core/json-texts.ts";
import type { Scores } from "./classifier.ts";

/* More labels than any classifier has; what comes after is not looked at. */
const MOST_LABELS = 1_000;
const MOST_LISTS = 3;

/**
 * Labels and scores as classifiers answer them: `{"code": 0.9, …}`, `{"label": "code", "score": 0.9}`, a list of those, such as that of
 * Text Embeddings Inference, also within a list for the one text that was sent, or any of these under `scores`, `labels`, `predictions`,
 * `results` or `data`. A label without a score is taken for sure. Undefined where nothing of the kind is there.
 */
export function readScores(answer: unknown): Scores | undefined {
  const scores = new Map<string, number>();
  read(answer, scores, 0);
  return scores.size === 0 ? undefined : scores;
}

const holders = ["scores", "labels", "predictions", "results", "data"];

function read(value: unknown, into: Map<string, number>, depth: number): void {
  if (depth > MOST_LISTS || into.size >= MOST_LABELS) return;
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    // One text was sent: of answers to several the first is its own.
    if (Array.isArray(list[0])) return read(list[0], into, depth + 1);
    for (const each of list.slice(0, MOST_LABELS)) read(each, into, depth + 1);
    return;
  }
  if (!isJsonObject(value)) return;
  const { label, score } = value;
  if (typeof label === "string" && label !== "") return keep(label, score ?? 1, into);
  const holder = holders.find((name) => typeof value[name] === "object" && value[name] !== null);
  if (holder !== undefined) return read(value[holder], into, depth + 1);
  for (const [name, each] of Object.entries(value).slice(0, MOST_LABELS)) keep(name, each, into);
}

/* A classifier may name a label twice: the surer counts. */
function keep(label: string, score: unknown, into: Map<string, number>): void {
  if (typeof score !== "number" || !(score >= 0 && score <= 1)) return;
  into.set(label, Math.max(score, into.get(label) ?? 0));
}
