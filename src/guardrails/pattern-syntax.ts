import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { patternFault } from "../cel/pattern.ts";
import { longestMatch, UnsupportedPattern } from "./longest-match.ts";
import { viewsOf, type View } from "./views.ts";

/** A pattern as configuration writes it: text, `/expression/`, or an object that says more. */
export const patternSchema = z
  .union([
    z.string().min(1).max(500),
    z.strictObject({
      text: z.string().min(1).max(500).optional().meta({ description: "Text to find." }),
      regex: z.string().min(1).max(500).optional().meta({ description: "A regular expression to find." }),
      caseSensitive: z.boolean().default(false).meta({ description: "Whether upper and lower case differ." }),
      buffer: z.boolean().default(false).meta({
        description: "For a regular expression without a longest match: answers are held back whole until they end.",
      }),
    }),
  ])
  .superRefine((entry, context) => {
    const fault = faultOf(entry);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });

/** A pattern to mask: on a stream it is known how much of a text to hold back for it. */
export const maskSchema = patternSchema.superRefine((entry, context) => {
  const { source, literal, buffer } = sourceOf(entry);
  if (literal || buffer || faultOf(entry) !== undefined || longestMatch(source) !== Infinity) return;
  context.addIssue({
    code: "custom",
    message:
      "the pattern has no longest match, so that a stream would never know how much to hold back: bound it, such as {1,64} for +, or say `buffer: true` to have answers held back whole",
  });
});

export type PatternEntry = z.output<typeof patternSchema>;

/** A pattern ready to be matched. */
export interface Pattern {
  /** Global, so that a search can start anywhere. */
  readonly search: RegExp;
  /** The same for letters that were pulled together: without its spaces. Undefined where it says nothing then. */
  readonly compact: RegExp | undefined;
  /** The most characters it can match. */
  readonly longest: number;
  readonly buffer: boolean;
}

interface Source {
  readonly source: string;
  readonly literal: boolean;
  readonly flags: string;
  readonly buffer: boolean;
}

function sourceOf(entry: PatternEntry): Source {
  if (typeof entry !== "string") {
    const flags = entry.caseSensitive ? "m" : "im";
    if (entry.regex !== undefined) return { source: entry.regex, literal: false, flags, buffer: entry.buffer };
    return { source: toSource(entry.text ?? ""), literal: true, flags, buffer: entry.buffer };
  }
  const expression = /^\/(.+)\/$/s.exec(entry)?.[1];
  if (expression !== undefined) return { source: expression, literal: false, flags: "im", buffer: false };
  return { source: toSource(entry), literal: true, flags: "im", buffer: false };
}

/* One space stands for any white space, as it does for a reader. */
const toSource = (text: string): string =>
  text
    .trim()
    .replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    .replaceAll(/\s+/g, "\\s{1,8}");

const LITERALLY = "or write it as plain text";

function faultOf(entry: PatternEntry): string | undefined {
  if (typeof entry !== "string" && (entry.text === undefined) === (entry.regex === undefined))
    return "needs either `text` or `regex`";
  const { source, literal, flags } = sourceOf(entry);
  if (literal) return source === "" ? "must not be white space alone" : undefined;
  const fault = patternFault(source, flags, LITERALLY);
  if (fault !== undefined) return fault;
  if (new RegExp(source, flags).test("")) return "the pattern matches the empty text, and so everything";
  try {
    longestMatch(source);
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedPattern) return `the pattern cannot be used: ${error.message}`;
    throw error;
  }
}

/* Fewer letters than this, pulled together out of neighbouring words, say nothing. */
const FEWEST_LETTERS = 8;

/** Makes a pattern of what the schema let through. */
export function compilePattern(entry: PatternEntry): Pattern {
  const { source, literal, flags, buffer } = sourceOf(entry);
  return {
    search: new RegExp(source, `${flags}g`),
    compact: compactOf(source, literal, flags),
    longest: longestMatch(source),
    buffer,
  };
}

function compactOf(source: string, literal: boolean, flags: string): RegExp | undefined {
  const compact = literal
    ? source.replaceAll(/\\s\{1,8\}|\\?[^\p{L}\p{N}\\]/gu, "")
    : source.replaceAll(/\\b|(?:\\s| |\[\\s[^\]]*\])(?:[+*?]|\{\d+,?\d*\})?\??/g, "");
  if (compact.replaceAll(/[^\p{L}\p{N}]/gu, "").length < FEWEST_LETTERS) return undefined;
  if (!literal && (compileFault(compact, flags) || patternFault(compact, flags) !== undefined)) return undefined;
  return new RegExp(compact, `${flags}g`);
}

function compileFault(source: string, flags: string): boolean {
  try {
    return new RegExp(source, flags).test("");
  } catch {
    return true;
  }
}

/**
 * Whether any pattern is found in a text, or, with `views`, in any way to read it. With a long text others get their turn between the
 * ways to read it, of which each takes milliseconds a megabyte.
 */
export async function findsIn(patterns: readonly Pattern[], text: string, views: boolean): Promise<boolean> {
  if (!views) return patterns.some(({ search }) => matches(search, text));
  for (const view of viewsOf(text)) {
    if (findsInView(patterns, view)) return true;
    if (text.length >= LONG) await setImmediate();
  }
  return false;
}

const LONG = 65_536;

function findsInView(patterns: readonly Pattern[], view: View): boolean {
  return patterns.some(({ search, compact }) =>
    view.compact ? compact !== undefined && matches(compact, view.text) : matches(search, view.text),
  );
}

function matches(search: RegExp, text: string): boolean {
  search.lastIndex = 0;
  return search.test(text);
}
