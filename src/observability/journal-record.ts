import type { ShadowOutcome } from "../core/decision.ts";
import type { ErrorKind } from "../core/errors.ts";
import type { Direction, Mode, Protocol, Target, Usage } from "../core/operation.ts";
import type { Actor } from "../core/principal.ts";
import type { OperationContext, Outcome } from "../core/step.ts";

/** What is known of one operation when it ended. Names, counts and times; never what was said. */
export interface JournalRecord {
  /** Sorts by time. */
  readonly id: string;
  readonly operationId: string;
  /** When the operation began, milliseconds since the epoch. */
  readonly timeMs: number;
  readonly exchangeId: string;
  readonly chainId: string;
  readonly depth: number;
  readonly route: string;
  readonly protocol: Protocol;
  readonly method: string;
  readonly direction: Direction;
  readonly mode: Mode;
  readonly principal: {
    readonly id: string;
    readonly tenant: string;
    readonly client: string;
    readonly actors: readonly Actor[];
  };
  readonly target: Target;
  /** The one that was tried last; absent when none was. */
  readonly candidate?: string;
  /** Absent when the operation ended before policy was asked. */
  readonly decision?: {
    readonly allow: boolean;
    readonly rule: string;
    readonly reason?: string;
    /** What rules in `mode: shadow` would have done. */
    readonly shadow?: readonly ShadowOutcome[];
  };
  readonly policyHash: string;
  readonly outcome: Outcome["status"];
  readonly kind?: ErrorKind;
  readonly durationMs: number;
  readonly firstByteMs?: number;
  readonly upstreamStatus?: number;
  readonly usage?: Usage;
}

/** Names come from callers too: a record stays small whatever they send. */
const MAX_NAME_LENGTH = 256;
const bounded = (text: string): string => (text.length > MAX_NAME_LENGTH ? text.slice(0, MAX_NAME_LENGTH) : text);

const boundedTarget = (target: Target): Target =>
  target.name.length > MAX_NAME_LENGTH || target.server.length > MAX_NAME_LENGTH
    ? { kind: target.kind, name: bounded(target.name), server: bounded(target.server) }
    : target;

/** Microseconds are enough for a reader, and keep the stored number short. */
const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;

export function toJournalRecord(
  id: string,
  context: OperationContext,
  outcome: Outcome,
  policyHash: string,
): JournalRecord {
  const { exchange, operation, candidate, decision, firstByteMs, upstreamStatus, usage } = context;
  const { principal, chain } = exchange;
  return {
    id,
    operationId: context.id,
    timeMs: context.startedAtMs,
    exchangeId: exchange.id,
    chainId: chain.id,
    depth: chain.depth,
    route: exchange.route.path,
    protocol: operation.protocol,
    method: bounded(operation.method),
    direction: operation.direction,
    mode: operation.mode,
    principal: { id: principal.id, tenant: principal.tenant, client: principal.client, actors: principal.actors },
    target: boundedTarget(operation.target),
    ...(candidate !== undefined && { candidate: candidate.name }),
    ...(decision !== undefined && {
      decision: {
        allow: decision.allow,
        rule: decision.rule,
        ...(!decision.allow && { reason: bounded(decision.reason) }),
        ...(decision.shadow !== undefined && { shadow: decision.shadow }),
      },
    }),
    policyHash,
    outcome: outcome.status,
    ...(outcome.error !== undefined && { kind: outcome.error.kind }),
    durationMs: rounded(outcome.durationMs),
    ...(firstByteMs !== undefined && { firstByteMs: rounded(firstByteMs) }),
    ...(upstreamStatus !== undefined && { upstreamStatus }),
    ...(usage !== undefined && { usage }),
  };
}

/** What a record is found by. Successes are not indexed by outcome: they are most of all records, and nobody looks for them so. */
export function toJournalIndexes({ chainId, principal, target, outcome }: JournalRecord): Record<string, string> {
  return {
    chain: bounded(chainId),
    principal: bounded(principal.id),
    ...(target.name !== "" && { target: target.name }),
    ...(outcome !== "ok" && { outcome }),
  };
}

/** An index holds the bounded name, so a search asks for that. */
export const toIndexedName = bounded;
