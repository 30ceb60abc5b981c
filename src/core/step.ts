import type { AbortSignalLike } from "./abort.ts";
import type { CandidateFailure, FailedCandidate } from "./candidate-failure.ts";
import type { BudgetRefusal, Charges } from "./charges.ts";
import type { Decision } from "./decision.ts";
import type { GatewayError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { JsonEdit } from "./json-edit.ts";
import type { Candidate, Operation, Usage } from "./operation.ts";
import type { AnswerForm, TextSlot } from "./text.ts";

/** How an operation ended; every entered step sees it exactly once. */
export interface Outcome {
  readonly status: "ok" | "denied" | "failed" | "aborted" | "drained";
  readonly error?: GatewayError;
  readonly durationMs: number;
}

/** One event of an answer. A whole answer is one event with `last: true`. */
export interface AnswerEvent {
  /** The parsed value, only read; undefined where the event is not JSON, such as an end marker. */
  readonly value: unknown;
  /** The bytes of this event's payload; a step that changes the answer returns an event with other bytes, and the value they parse to. */
  readonly bytes: Buffer;
  /** The event's name where the wire format gives it one (`event:` of an SSE stream). */
  readonly name?: string;
  readonly last: boolean;
}

/** What the steps of one operation share. Fields are named; there is no bag. */
export interface OperationContext {
  /** Unique; also the idempotency key of everything recorded for this operation. */
  readonly id: string;
  readonly exchange: Exchange;
  readonly operation: Operation;
  /** Aborts with the exchange, and when this operation alone is cancelled. */
  readonly signal: AbortSignalLike;
  readonly startedAtMs: number;
  candidates: readonly Candidate[];
  candidate: Candidate | undefined;
  /** The candidates so far that did not answer, in the order of trying. */
  failed: readonly FailedCandidate[];
  decision: Decision | undefined;
  /** What steps have changed in the request's own message; the relay makes these edits in whatever it sends. Paths are those of the message. */
  edits: readonly JsonEdit[];
  /** Set by the relay when the upstream says what it used. */
  usage: Usage | undefined;
  /** About how many tokens the answer has, for a model server that does not say what it used, or not to the end. Set by the relay. */
  answerTokens?: number | undefined;
  /** Set by the relay where the answer itself says that it went wrong: an error in place of a result, or a result that tells of a failure. */
  complaint?: "refused" | "failed" | undefined;
  /** What the operation has cost, in nano-dollars; undefined where nobody knows. Set when it is settled. */
  costNanos: number | undefined;
  /** What its attempts were charged in budgets; of those before the last only what was taken. Set when they are settled. */
  charges?: readonly Charges[] | undefined;
  /** The budgets that had no room for it, one for each candidate. */
  refusals?: readonly BudgetRefusal[] | undefined;
  /** What else the journal should say of it, in words that are safe to show: no content, no credential. */
  notes?: readonly string[] | undefined;
  /** Each pick of an endpoint of a pool: gives it as JSON for the journal, when it is written. Set by the relay. */
  picks?: readonly (() => string)[] | undefined;
  /** The upstream's HTTP status, for the journal. */
  upstreamStatus: number | undefined;
  /** Milliseconds from the start to the first byte of the answer. */
  firstByteMs: number | undefined;
  /** Called by a relay when a candidate has begun to answer: it is well, however long the rest takes. */
  answering?: (() => void) | undefined;
  /**
   * Present when some step looks at answers; a relay without it may pass bytes through unread. Gives the events that go out in place of
   * this one: none while its text is held back, several when held text goes out before it. Of a whole answer it is exactly one.
   */
  readonly answer: ((event: AnswerEvent) => Promise<readonly AnswerEvent[]>) | undefined;
}

/**
 * One step of the journey. `enter` may throw a GatewayError to refuse; any other exception is a denial.
 * `answer` sees events on the way back, in reverse order. `end` runs exactly once for every step whose `enter` was called.
 */
export interface Step {
  readonly name: string;
  enter?(context: OperationContext): void | Promise<void>;
  answer?(
    context: OperationContext,
    event: AnswerEvent,
  ): AnswerEvent | readonly AnswerEvent[] | Promise<AnswerEvent | readonly AnswerEvent[]>;
  end?(context: OperationContext, outcome: Outcome): void;
}

/** What is known of an operation from others like it before any candidate is asked. */
export interface Recall<T> {
  /** Gives the answer in place of all candidates. Absent: they are asked. */
  readonly answer?: () => Promise<T>;
  /** What the answer cost when it was made, in nano-dollars. */
  readonly savedNanos?: number | undefined;
  /** Runs once when the operation has ended. */
  end(outcome: Outcome): void;
}

/** What a protocol hands in to have one operation carried out. */
export interface Work<T> {
  /** Names to ordered candidates; the first that works answers. */
  plan(context: OperationContext): readonly Candidate[] | Promise<readonly Candidate[]>;
  /** Sends to one candidate and passes the answer on. Rejects with a GatewayError, or with the signal's reason when aborted. */
  relay(context: OperationContext, candidate: Candidate): Promise<T>;
  /** Looks for an answer that was given before, once the operation may be made and its request has passed the guards. Absent: there is none. */
  readonly recall?: ((context: OperationContext) => Recall<T> | undefined | Promise<Recall<T> | undefined>) | undefined;
  /** Is shown the events of answers as they come, before any step that changes them. Absent: they need not be read. */
  readonly sees?: ((event: AnswerEvent) => void) | undefined;
  /** What a failure of `relay` means to the other candidates; undefined when none of them could mend it. Absent: only what was never sent goes on. */
  failure?(error: GatewayError): CandidateFailure | undefined;
  /** Every text of the request that a model, an agent or a tool may read, for guards. Absent: there is none. */
  texts?(): readonly TextSlot[];
  /** How the texts lie in what `answer` is given: a new form each time, for one reading of one answer. Absent, or undefined: it has none. */
  answers?(): AnswerForm | undefined;
}

/**
 * Carries one operation through the steps of its protocol. Rejects with a GatewayError when refused or failed. `signal` stands in
 * for the exchange's where one operation can be cancelled alone; whoever gives it links it to the exchange's.
 */
export type Operate = <T>(
  exchange: Exchange,
  operation: Operation,
  work: Work<T>,
  signal?: AbortSignalLike,
) => Promise<T>;

/** Whether a listed item may be seen: the same rules as a call to it, with what only a call has left open. */
export type Visible = (exchange: Exchange, operation: Operation) => boolean;

export interface RenderedError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A protocol's face to the gateway. */
export interface ProtocolHandler {
  /** Called once, when everything else of its configuration stands: only now may it change what outlives it. */
  begin?(): void;
  /** Answers one exchange through its `reply`. Rejects with a GatewayError when nothing has been sent yet. */
  handle(exchange: Exchange): Promise<void>;
  /** The error in this protocol's own shape. `body`, when known, is the parsed request: JSON-RPC answers echo its id. */
  renderError(error: GatewayError, exchange: Exchange, body?: unknown): RenderedError;
  /** Ends the streams that no work of the gateway's would ever end, so that their clients come back to whoever serves next. */
  endStanding?(): void;
  /** Ends sessions, child processes and timers. */
  close(): Promise<void>;
}
