import { GatewayError } from "../../core/errors.ts";
import { isFields } from "../dialects/fields.ts";
import type { Embedder } from "../embedders/embedder.ts";
import { mayAnswer } from "./may-answer.ts";
import { loadLexicon } from "./question/lexicon.ts";

/** Two questions, and whether one answer serves both. */
export interface Pair {
  readonly asked: string;
  readonly stored: string;
  readonly same: boolean;
}

/** What a threshold gives: shares from 0 to 1. */
export interface PairsAt {
  readonly threshold: number;
  /** Of the pairs that are the same: those that would be served from the cache. */
  readonly found: number;
  /** Of the pairs that are not. */
  readonly wrong: number;
  /** The same without any guard. */
  readonly bareFound: number;
  readonly bareWrong: number;
}

export interface PairsReport {
  readonly same: number;
  readonly different: number;
  readonly rows: readonly PairsAt[];
}

const THRESHOLDS = [0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

/** Reads a file of lines of JSON: `{"asked": …, "stored": …, "same": true}`. Throws `invalid_request` that names the line. */
export function parsePairs(text: string): readonly Pair[] {
  return text.split("\n").flatMap((line, at): Pair[] => {
    if (line.trim() === "") return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    if (isFields(value)) {
      const { asked, stored, same } = value;
      if (typeof asked === "string" && typeof stored === "string" && typeof same === "boolean")
        return [{ asked, stored, same }];
    }
    throw new GatewayError("invalid_request", `Line ${at + 1}: a pair is {"asked": "…", "stored": "…", "same": true}`);
  });
}

/** How many pairs would be served from the cache, at the embedder's own threshold and at others. */
export async function evaluatePairs(
  pairs: readonly Pair[],
  { threshold: own, guards }: Pick<Embedder, "threshold" | "guards">,
  embed: (text: string) => Float32Array | Promise<Float32Array>,
): Promise<PairsReport> {
  await loadLexicon();
  const scored: { readonly same: boolean; readonly score: number; readonly passes: boolean }[] = [];
  for (const { asked, stored, same } of pairs) {
    const [left, right] = [await embed(asked), await embed(stored)];
    const score = left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0);
    scored.push({ same, score, passes: mayAnswer(asked, stored, guards, score).same });
  }
  const count = (same: boolean) => scored.filter((pair) => pair.same === same).length;
  const share = (same: boolean, least: number, guarded: boolean) => {
    const all = scored.filter((pair) => pair.same === same);
    return all.length === 0
      ? 0
      : all.filter(({ score, passes }) => score >= least && (passes || !guarded)).length / all.length;
  };
  const thresholds = [...new Set([...THRESHOLDS, own])].toSorted((one, other) => one - other);
  return {
    same: count(true),
    different: count(false),
    rows: thresholds.map((threshold) => ({
      threshold,
      found: share(true, threshold, true),
      wrong: share(false, threshold, true),
      bareFound: share(true, threshold, false),
      bareWrong: share(false, threshold, false),
    })),
  };
}
