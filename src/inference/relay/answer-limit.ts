import { LightAbortSignal, type AbortSignalLike } from "../../core/abort.ts";
import { GatewayError } from "../../core/errors.ts";
import type { OperationContext } from "../../core/step.ts";

/**
 * Carries out `send`, whose answer has so many milliseconds to begin, which the relay tells by `context.answering`, or to be there if
 * it is told nothing. Then the signal that `send` was given aborts with `upstream_timeout`; it aborts with the operation's own as well.
 */
export async function withinLimit<T>(
  context: OperationContext,
  limitMs: number,
  send: (signal: AbortSignalLike) => Promise<T>,
): Promise<T> {
  const { signal, answering } = context;
  const attempt = new LightAbortSignal();
  const follow = () => attempt.abort(signal.reason);
  const timer = setTimeout(() => attempt.abort(tooSlow(limitMs)), limitMs);
  context.answering = () => {
    clearTimeout(timer);
    answering?.();
  };
  signal.addEventListener("abort", follow, { once: true });
  if (signal.aborted) follow();
  try {
    return await send(attempt);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", follow);
    context.answering = answering;
  }
}

function tooSlow(limitMs: number): GatewayError {
  return new GatewayError("upstream_timeout", `The model did not answer within ${limitMs / 1_000} s.`);
}
