import { createRequire } from "node:module";

/* recheck in plain JavaScript, in this thread: its main entry starts a JVM, a native binary or a worker, whichever it finds. It takes 100 ms to load. */
type Recheck = Pick<typeof import("recheck"), "checkSync">;
let recheck: Recheck | undefined;
const loadRecheck = () => (recheck ??= createRequire(import.meta.url)("recheck/lib/browser.js") as Recheck);

/* Usual patterns take 2 to 200 ms; a loaded machine must not refuse them. A pattern that passed is not checked again on reload. */
const TIMEOUT_MS = 5_000;
const proven = new Set<string>();
const MOST_REMEMBERED = 1_000;
const LONGEST = 500;

/* What another thread found of the patterns of the rule that is being tried: undefined where one is linear. It takes no room from those in force. */
let tried: ReadonlyMap<string, string | undefined> = new Map();

/** Keeps what was found of patterns without flags, and of what was kept before only what is one of `patterns`. */
export function keepFound(patterns: Iterable<string>, found: ReadonlyMap<string, string | undefined>): void {
  const kept = new Map(found);
  for (const pattern of patterns) if (tried.has(pattern)) kept.set(pattern, tried.get(pattern));
  tried = kept;
}

/** Whether nothing is left to compute before it is known what a pattern without flags is. */
export const isFound = (pattern: string): boolean =>
  pattern.length > LONGEST || proven.has(`/${pattern}`) || tried.has(pattern);

/** How the time that a pattern takes grows, in a word; undefined: linearly. It computes for so long at most. */
export function growthOf(pattern: string, flags: string, timeoutMs: number): string | undefined {
  /* `automaton` proves or gives up; the other checker searches for an attack and calls it safe when it finds none. */
  const found = loadRecheck().checkSync(pattern, flags, { checker: "automaton", timeout: timeoutMs });
  if (found.status === "safe") return undefined;
  return found.status === "vulnerable" ? found.complexity.summary : "not proven linear";
}

/**
 * Why a pattern must not run on a caller's text, or undefined when it is proven to take linear time.
 * `instead` ends the advice. JavaScript backtracks: 24 letters held `(a+)+$` for 1.4 s, and a caller chooses the letters.
 */
export function patternFault(
  pattern: string,
  flags = "",
  instead = "or use contains(), startsWith() or endsWith()",
): string | undefined {
  // Letters that are told apart can make linear what is exponential when they are not.
  const key = `${flags}/${pattern}`;
  if (proven.has(key)) return undefined;
  if (pattern.length > LONGEST) return `the pattern is longer than ${LONGEST} characters`;
  try {
    void new RegExp(pattern, flags);
  } catch (error) {
    return `the pattern does not compile: ${error instanceof Error ? error.message : String(error)}`;
  }
  const growth = flags === "" && tried.has(pattern) ? tried.get(pattern) : growthOf(pattern, flags, TIMEOUT_MS);
  if (growth === undefined) {
    if (!tried.has(pattern) && proven.size < MOST_REMEMBERED) proven.add(key);
    return undefined;
  }
  return `the pattern can be slow on a hostile text (${growth}): anchor it with ^, avoid nested or neighbouring repetition, ${instead}`;
}
