import type { FailedCandidate } from "../core/candidate-failure.ts";
import type { Decision, ShadowOutcome } from "../core/decision.ts";
import type { ErrorKind } from "../core/errors.ts";
import type { Direction, Mode, Protocol, Target, Usage } from "../core/operation.ts";
import type { Actor } from "../core/principal.ts";
import type { OperationContext, Outcome } from "../core/step.ts";

/** What neighbouring records mostly have in common: who, what and why. */
export interface CommonPart {
  readonly depth: number;
  /** The agents the chain passed through, oldest first: the last one made this call. Absent at the root. */
  readonly path?: readonly string[];
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
  /** Candidates that did not answer, in the order of trying, and why; absent when there was none. */
  readonly failed?: readonly FailedCandidate[];
  /** Absent when the operation ended before policy was asked. */
  readonly decision?: {
    readonly allow: boolean;
    readonly rule: string;
    readonly reason?: string;
    /** What rules in `mode: shadow` would have done. */
    readonly shadow?: readonly ShadowOutcome[];
  };
  readonly policyHash: string;
  /** What else the steps had to say of it. */
  readonly notes?: readonly string[];
  readonly outcome: Outcome["status"];
  readonly kind?: ErrorKind;
  readonly upstreamStatus?: number;
}

/** What is known of one operation when it ended. Names, counts and times; never what was said. */
export interface JournalRecord extends CommonPart {
  /** Sorts by time. */
  readonly id: string;
  readonly operationId: string;
  /** When the operation began, milliseconds since the epoch. */
  readonly timeMs: number;
  /** `x-request-id` of the answer. Several operations share it where one request held them. */
  readonly requestId: string;
  readonly chainId: string;
  readonly durationMs: number;
  readonly firstByteMs?: number;
  readonly usage?: Usage;
  /** What it cost, in nano-dollars; absent where nobody knows. */
  readonly costNanos?: number;
  /** Each endpoint of a pool that was picked for it, and why; absent where there was none. */
  readonly picks?: readonly EndpointPick[];
}

/** Why an endpoint was picked. */
export interface EndpointPick {
  readonly pool: string;
  /** Host and port. */
  readonly picked: string;
  /** The scorers with their weights. */
  readonly by: Readonly<Record<string, number>>;
  /** Every endpoint that was in question: scores in the order of `by`, or the filter that took it out. */
  readonly of: readonly (readonly [
    host: string,
    scores: readonly number[] | string,
    cachedTokens: number,
    requests: number,
  ])[];
}

/** An operation that has ended; `policyHash` names the rules that were in force. */
export interface Ended {
  readonly id: string;
  readonly context: OperationContext;
  readonly outcome: Outcome;
  readonly policyHash: string;
}

/** The rest of a record as it is stored, behind the place of its common part in its segment. */
export type OwnPart = readonly [
  common: number,
  id: string,
  operationId: string,
  timeMs: number,
  /** Empty for the chain's own id: most requests start one. */
  requestId: string,
  chainId: string,
  durationMs: number,
  firstByteMs: number | null,
  usage: Usage | null,
  /** Left out where nobody knows; null where picks follow. */
  costNanos?: number | null,
  picks?: readonly EndpointPick[],
];

/** Names come from callers too: a record stays small whatever they send. */
const MAX_NAME_LENGTH = 256;
export const bounded = (text: string): string =>
  text.length > MAX_NAME_LENGTH ? text.slice(0, MAX_NAME_LENGTH) : text;

const MAX_NOTE_LENGTH = 1_024;
const boundedNote = (note: string): string => note.slice(0, MAX_NOTE_LENGTH);
const none: readonly string[] = [];
const isSameList = (some: readonly string[], others: readonly string[]): boolean =>
  some === others || (some.length === others.length && some.every((one, at) => one === others[at]));

/* Microseconds are enough for a reader. Of their last three digits each spelling is made once: V8 takes ten times as long over a fraction. */
const FRACTIONS = Array.from({ length: 1_000 }, (_, us) => (us === 0 ? "" : `.${String(us).padStart(3, "0")}`));
function durationText(ms: number): string {
  const us = Math.round(ms * 1_000);
  if (!(us >= 0 && us <= 0x7fffffff)) return numberText(us / 1_000);
  const rest = us % 1_000;
  return `${(us - rest) / 1_000}${FRACTIONS[rest]}`;
}

/* As JSON.stringify has it: what is no number in JSON is nothing. */
const numberText = (value: number): string => (Number.isFinite(value) ? `${value}` : "null");

/* Many operations begin in the same millisecond. */
let lastMs = 0;
let lastText = "0";
function instantText(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = numberText(ms);
  }
  return lastText;
}

function usageText(usage: Usage): string {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens } = usage;
  const seldom = cachedInputTokens ?? cacheWriteTokens ?? reasoningTokens;
  if (seldom !== undefined || inputTokens === undefined || outputTokens === undefined) return JSON.stringify(usage);
  return `{"inputTokens":${numberText(inputTokens)},"outputTokens":${numberText(outputTokens)}}`;
}

/** The own part as JSON. Written by hand, because a record is made for every operation and JSON.stringify took three times as long. */
export function toOwnJson(common: number, { id, context, outcome }: Ended): string {
  const { exchange, firstByteMs, usage, costNanos, picks } = context;
  const own = exchange.id === exchange.chain.id;
  const ids = `${common},"${id}","${context.id}",${instantText(context.startedAtMs)},`;
  const request = own ? `"","${exchange.id}"` : `"${exchange.id}",${JSON.stringify(bounded(exchange.chain.id))}`;
  const times = `,${durationText(outcome.durationMs)},${firstByteMs === undefined ? "null" : durationText(firstByteMs)},`;
  const cost = costNanos === undefined ? (picks === undefined ? "" : ",null") : `,${numberText(costNanos)}`;
  const picked = picks === undefined ? "" : `,[${picks.map((write) => write()).join()}]`;
  return `[${ids}${request}${times}${usage === undefined ? "null" : usageText(usage)}${cost}${picked}]`;
}

export function toCommonPart({ context, outcome, policyHash }: Ended): CommonPart {
  const { exchange, operation, candidate, failed, decision, upstreamStatus, notes } = context;
  const { principal, chain } = exchange;
  const { kind, name, server } = operation.target;
  return {
    depth: chain.depth,
    ...(chain.path.length > 0 && { path: chain.path }),
    route: exchange.route.path,
    protocol: operation.protocol,
    method: bounded(operation.method),
    direction: operation.direction,
    mode: operation.mode,
    principal: { id: principal.id, tenant: principal.tenant, client: principal.client, actors: principal.actors },
    target: { kind, name: bounded(name), server: bounded(server) },
    ...(candidate !== undefined && { candidate: candidate.name }),
    ...(failed.length > 0 && { failed }),
    ...(decision !== undefined && {
      decision: {
        allow: decision.allow,
        rule: decision.rule,
        ...(!decision.allow && { reason: bounded(decision.reason) }),
        ...(decision.shadow !== undefined && { shadow: decision.shadow }),
      },
    }),
    policyHash,
    ...(notes !== undefined && { notes: notes.map(boundedNote) }),
    outcome: outcome.status,
    ...(outcome.error !== undefined && { kind: outcome.error.kind }),
    ...(upstreamStatus !== undefined && { upstreamStatus }),
  };
}

/** Shadow outcomes are seldom and not compared: such decisions count as different. */
function isSameDecision(common: CommonPart["decision"], decision: Decision | undefined): boolean {
  if (common === undefined || decision === undefined) return common === decision;
  return (
    common.allow === decision.allow &&
    common.rule === decision.rule &&
    (decision.allow || common.reason === bounded(decision.reason)) &&
    common.shadow === undefined &&
    decision.shadow === undefined
  );
}

const isSameFailed = (some: CommonPart["failed"], others: readonly FailedCandidate[]): boolean =>
  some === undefined
    ? others.length === 0
    : some.length === others.length &&
      some.every(({ name, reason }, at) => name === others[at]?.name && reason === others[at]?.reason);

const isSameActors = (some: readonly Actor[], others: readonly Actor[]): boolean =>
  some === others ||
  (some.length === others.length &&
    some.every(({ issuer, subject }, at) => issuer === others[at]?.issuer && subject === others[at]?.subject));

/** Whether `toCommonPart` of what ended would equal `common`; what differs most often is asked first. */
export function isCommonPart(common: CommonPart, { context, outcome, policyHash }: Ended): boolean {
  const { exchange, operation, candidate, failed, decision, upstreamStatus, notes } = context;
  const { principal, chain, route } = exchange;
  const { target } = operation;
  return (
    common.principal.id === principal.id &&
    common.target.name === bounded(target.name) &&
    common.outcome === outcome.status &&
    common.method === bounded(operation.method) &&
    common.depth === chain.depth &&
    common.upstreamStatus === upstreamStatus &&
    common.candidate === candidate?.name &&
    isSameFailed(common.failed, failed) &&
    common.kind === outcome.error?.kind &&
    common.target.server === bounded(target.server) &&
    common.target.kind === target.kind &&
    common.route === route.path &&
    common.protocol === operation.protocol &&
    common.direction === operation.direction &&
    common.mode === operation.mode &&
    common.principal.client === principal.client &&
    common.principal.tenant === principal.tenant &&
    common.policyHash === policyHash &&
    isSameList(common.path ?? none, chain.path) &&
    /* Seldom, and not compared: such records have a common part of their own. */
    common.notes === undefined &&
    notes === undefined &&
    isSameActors(common.principal.actors, principal.actors) &&
    isSameDecision(common.decision, decision)
  );
}

export function toJournalRecord(common: CommonPart, own: OwnPart): JournalRecord {
  const [, id, operationId, timeMs, requestId, chainId, durationMs, firstByteMs, usage, costNanos, picks] = own;
  return {
    id,
    operationId,
    timeMs,
    requestId: requestId === "" ? chainId : requestId,
    chainId,
    ...common,
    durationMs,
    ...(firstByteMs !== null && { firstByteMs }),
    ...(usage !== null && { usage }),
    ...(costNanos !== undefined && costNanos !== null && { costNanos }),
    ...(picks !== undefined && { picks }),
  };
}
