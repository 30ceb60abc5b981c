import { Worker } from "node:worker_threads";
import { environmentOf, LONGEST_EXPRESSION } from "./environment.ts";
import { ExpressionError } from "./expression-error.ts";
import { isFound, keepFound } from "./pattern.ts";
import { childrenOf, syntaxOf, type SyntaxNode } from "./syntax.ts";
import { patternOf } from "./vet.ts";

/* For all of one expression: usual patterns take 2 to 200 ms each. */
const TIMEOUT_MS = 2_000;
/* With the time a thread takes to start on a busy machine; one that has not answered by then is ended. */
const MOST_MS = 15_000;

/* Compiled, the worker lies beside this file under the other ending. */
const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
const workerUrl = new URL(`./pattern-worker.${ending}`, import.meta.url);

/**
 * Finds out, in a thread of its own, what the patterns of an expression are, so that compiling it next has nothing left to prove. Throws
 * ExpressionError where that takes more than two seconds for all together. What was found is kept until the next expression.
 */
export async function provePatterns(source: string, signal: AbortSignal): Promise<void> {
  const places = patternsOf(source);
  const patterns = [...places.keys()].filter((pattern) => !isFound(pattern));
  if (patterns.length === 0) return;
  const found = await inThread(patterns, signal);
  const left = patterns.find((pattern) => !found.has(pattern));
  if (left !== undefined)
    throw new ExpressionError(
      "there is too much to check: the patterns up to this one take more than two seconds to be proven safe; use fewer or simpler ones",
      source,
      places.get(left) ?? 0,
    );
  keepFound(places.keys(), found);
}

/** The patterns that are written out in what may be an expression, each with where it stands first. */
function patternsOf(source: string): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const walk = (node: SyntaxNode): void => {
    const pattern = patternOf(node);
    if (pattern?.op === "value" && typeof pattern.args === "string" && !places.has(pattern.args))
      places.set(pattern.args, pattern.pos);
    for (const child of childrenOf(node)) walk(child);
  };
  if (source.length > LONGEST_EXPRESSION) return places;
  try {
    walk(syntaxOf(environmentOf([], false).environment.parse(source)));
  } catch {
    // Compiling it says what is wrong.
  }
  return places;
}

function inThread(patterns: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string | undefined>> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(workerUrl, { workerData: { patterns, timeoutMs: TIMEOUT_MS } });
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      void worker.terminate();
    };
    const leave = () => {
      end();
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      end();
      resolve(new Map());
    }, MOST_MS);
    signal.addEventListener("abort", leave, { once: true });
    worker.once("message", (found: ReadonlyMap<string, string | undefined>) => {
      end();
      resolve(found);
    });
    worker.once("error", (error) => {
      end();
      reject(error);
    });
  });
}
