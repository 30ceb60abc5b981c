import type { LlmVariables, Price } from "../../core/operation.ts";
import { toBounds, toDemand } from "../demand.ts";
import type { CallRequest } from "../relay/send-call.ts";
import { LazyComplexity } from "./complexity.ts";

/** What rules read of a call as it was with its first `count` messages alone: those of a loop that nobody remembers, before it began. */
export function toLoopVariables(
  { endpoint, call, body }: CallRequest,
  llm: LlmVariables,
  price: Price | undefined,
  count: number,
): LlmVariables {
  if (count >= call.messages.length) return llm;
  const messages = call.messages.slice(0, count);
  const later = call.messages.slice(count).reduce<number>((sum, message) => sum + sizeOf(message), 0);
  const first = { ...call, messages };
  return {
    ...llm,
    messages,
    ...toBounds(toDemand(endpoint, first, Math.max(body.bytes.length - later, 0)), price),
    complexity: new LazyComplexity(first),
  };
}

/* With a comma beside it, as most clients write JSON. */
const sizeOf = (message: unknown): number => Buffer.byteLength(JSON.stringify(message)) + 1;
