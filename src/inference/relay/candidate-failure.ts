import type { CandidateFailure } from "../../core/candidate-failure.ts";
import { GatewayError } from "../../core/errors.ts";
import { neverSent } from "../../http/upstream-errors.ts";
import { isContextTooLong } from "../context-too-long.ts";

/* What a provider's refusal means, kept beside the error that stands for it. */
const refusals = new WeakMap<GatewayError, CandidateFailure>();

/** Takes note of what a provider's refusal means to the other candidates, and gives the error back. `text`: what it said. */
export function noteRefusal(error: GatewayError, status: number, text: string, retryAfterMs?: number): GatewayError {
  const failure = toFailure(status, text);
  if (failure?.health === "sick" && retryAfterMs !== undefined && retryAfterMs > 0)
    refusals.set(error, { ...failure, health: healthOf(failure), retryAfterMs });
  else if (failure !== undefined) refusals.set(error, failure);
  return error;
}

/** Takes note of a call that was not sent, because the provider could not be told of it what matters. Gives the error back. */
export function noteUnsupported(error: unknown): unknown {
  if (error instanceof GatewayError) refusals.set(error, { reason: "unsupported", health: "unknown", load: false });
  return error;
}

/** Takes note of a call that no server was asked, because there was none for it. Gives the error back. */
export function noteNotSent(error: GatewayError, reason: "unreachable" | "rate_limited"): GatewayError {
  refusals.set(error, { reason, health: "unknown", load: false });
  return error;
}

function toFailure(status: number, text: string): CandidateFailure | undefined {
  if (status === 429) return { reason: "rate_limited", health: "sick", load: true };
  if (status === 408) return { reason: "timeout", health: "sick", load: true };
  if (status >= 500) return { reason: "server_error", health: "sick", load: true };
  /* No work for the provider, and no sign of trouble: what is too long for one may go to another as often as it comes. */
  if (isContextTooLong(status, text)) return { reason: "context_too_long", health: "well", load: false };
  return undefined;
}

/* One that says when it will take calls again works: it is left alone until then, and not taken for broken. */
const healthOf = ({ reason, health }: CandidateFailure) => (reason === "rate_limited" ? "well" : health);

/** What the failure of a call means to the other candidates; undefined: none of them could mend it. */
export function failureOf(error: GatewayError): CandidateFailure | undefined {
  const refusal = refusals.get(error);
  if (refusal !== undefined) return refusal;
  switch (error.kind) {
    case "upstream_unavailable":
      return { reason: "unreachable", health: "sick", load: !neverSent(error) };
    case "upstream_timeout":
      return { reason: "timeout", health: "sick", load: !neverSent(error) };
    case "upstream_truncated":
      return { reason: "truncated", health: "sick", load: true };
    default:
      return undefined;
  }
}
