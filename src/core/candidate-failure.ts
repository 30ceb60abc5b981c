/** Why a candidate did not answer and the next one may: the label in metrics, the journal and `x-sallyport-fallback`. */
export type FallbackReason =
  /** No connection, or it broke before the answer began. */
  | "unreachable"
  | "rate_limited"
  | "server_error"
  | "timeout"
  | "truncated"
  | "context_too_long"
  /** It was not asked: what the call needs, its wire format cannot say. */
  | "unsupported"
  | "budget_exhausted"
  /** It was not asked: it has failed too often of late. */
  | "circuit_open"
  /** It was not asked: it said when to come back, and it is not yet time. */
  | "retry_later";

/** What the failure of one candidate means to the others. */
export interface CandidateFailure {
  readonly reason: FallbackReason;
  /** What it says of the upstream. `well`: it works, and would not do this call; `unknown`: nothing. */
  readonly health: "well" | "sick" | "unknown";
  /** Whether the call was work for the upstream. Such work may be done again only within the retry budget. */
  readonly load: boolean;
  /** How long the upstream asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** A candidate that did not answer. */
export interface FailedCandidate {
  readonly name: string;
  readonly reason: FallbackReason;
}
