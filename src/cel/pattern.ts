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
  /* `automaton` proves or gives up; the other checker searches for an attack and calls it safe when it finds none. */
  const found = loadRecheck().checkSync(pattern, flags, { checker: "automaton", timeout: TIMEOUT_MS });
  if (found.status === "safe") {
    if (proven.size < MOST_REMEMBERED) proven.add(key);
    return undefined;
  }
  const growth = found.status === "vulnerable" ? found.complexity.summary : "not proven linear";
  return `the pattern can be slow on a hostile text (${growth}): anchor it with ^, avoid nested or neighbouring repetition, ${instead}`;
}
