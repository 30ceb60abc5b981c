import type { Protocol } from "../core/operation.ts";
import { admit } from "./steps/admit.ts";
import { authenticate } from "./steps/authenticate.ts";
import { authorize } from "./steps/authorize.ts";
import { classify } from "./steps/classify.ts";
import { guard } from "./steps/guard.ts";
import { plan } from "./steps/plan.ts";
import { recall } from "./steps/recall.ts";
import { receive } from "./steps/receive.ts";
import { record } from "./steps/record.ts";
import { relay } from "./steps/relay.ts";
import { reserve, reserveTokens } from "./steps/reserve.ts";
import { taint } from "./steps/taint.ts";
import { watch } from "./steps/watch.ts";
import type { StepDefinition } from "./step-definition.ts";

/**
 * The whole journey of a request. Read downwards: each step's `enter`, in this order. Read upwards: each step's `end`, exactly once,
 * on success, denial, exception, abort and drain.
 *
 * - `admit` comes before anything that costs: it looks at this process alone.
 * - `record` is entered before `plan`, so that what is refused further down is recorded too.
 * - `authorize` follows `plan`: policy judges the operation and then each candidate it could be sent to.
 * - `watch` follows `authorize` too: what was denied cost nothing. Its end sees what the operation cost.
 * - `taint` only looks at answers: after `guard`, for what a guard withheld nobody has read.
 * - `guard` follows `authorize`: what is not allowed is not read. Its `answer` comes after that of `reserve`, which counts what the provider wrote.
 * - `recall` follows `guard`: what is asked of the cache is what would be sent. With a hit no candidate is asked and nothing is reserved.
 * - `reserve` is entered for each candidate: a budget may have no room for one and some for the next. Its `end` settles.
 *
 * Of `http`, whose bodies are anything and are passed on unread, nothing is guarded, remembered or searched for taint.
 */
// oxfmt-ignore
export const steps: readonly (readonly [StepDefinition, ...Protocol[]])[] = [
  // once per exchange
  [receive,        "mcp", "a2a", "llm", "http"],
  [authenticate,   "mcp", "a2a", "llm", "http"],
  [classify,       "mcp", "a2a", "llm", "http"],
  // once per operation, which classify found in the exchange
  [record,         "mcp", "a2a", "llm", "http"],
  [admit,          "mcp", "a2a", "llm", "http"],
  [plan,           "mcp", "a2a", "llm", "http"],
  [authorize,      "mcp", "a2a", "llm", "http"],
  [watch,          "mcp", "a2a", "llm", "http"],
  [taint,          "mcp", "a2a"],
  [guard,          "mcp", "a2a", "llm"],
  [recall,                       "llm"],
  // once per candidate
  [reserve,        "mcp", "a2a",        "http"],
  [reserveTokens,                "llm"],
  [relay,          "mcp", "a2a", "llm", "http"],
];
