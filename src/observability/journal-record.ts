import type { FailedCandidate } from "../core/candidate-failure.ts";
import type { BudgetRefusal } from "../core/charges.ts";
import type { Decision, ShadowOutcome } from "../core/decision.ts";
import type { ErrorKind } from "../core/errors.ts";
import type { Direction, Mode, Protocol, Target, Usage } from "../core/operation.ts";
import type { Actor } from "../core/principal.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import { tenantOf } from "../core/tenant.ts";
import { bounded, fewOf } from "./bounded.ts";
import {
  type ChargedCounter,
  chargesText,
  type CounterCharge,
  isSameCharged,
  toCharges,
  toCounters,
} from "./journal-charges.ts";
import { durationText, instantText, numberText } from "./number-text.ts";

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
  /** The tenant it was counted for, where its principal has none; absent where nobody names one. */
  readonly tenant?: string;
  readonly principal: {
    readonly id: string;
    /** The principal's own; empty where its credential names none. */
    readonly tenant: string;
    readonly client: string;
    readonly actors: readonly Actor[];
    /** Absent where there is none. */
    readonly groups?: readonly string[];
    readonly scopes?: readonly string[];
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
  /** The counters of budgets it was charged in; what was taken is its own. Absent where there was none. */
  readonly charged?: readonly ChargedCounter[];
  /** What else the steps had to say of it. */
  readonly notes?: readonly string[];
  readonly outcome: Outcome["status"];
  readonly kind?: ErrorKind;
  readonly upstreamStatus?: number;
}

/** What is known of one operation when it ended. Names, counts and times; never what was said. */
export interface JournalRecord extends Omit<CommonPart, "charged"> {
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
  /** Absent where no budget held for it. */
  readonly charges?: readonly CounterCharge[];
  /** The budgets that had no room for it, one for each candidate; absent where none refused. */
  readonly refusals?: readonly BudgetRefusal[];
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
  /* What is left out at the end is null where something follows. */
  costNanos?: number | null,
  picks?: readonly EndpointPick[] | null,
  /** What was reserved and what was booked, in turn, for each counter of the common part. */
  charges?: readonly number[] | null,
  refusals?: readonly BudgetRefusal[],
];

const MAX_NOTE_LENGTH = 1_024;
const boundedNote = (note: string): string => note.slice(0, MAX_NOTE_LENGTH);
const none: readonly string[] = [];
const isSameList = (some: readonly string[], others: readonly string[]): boolean =>
  some === others || (some.length === others.length && some.every((one, at) => one === others[at]));

function usageText(usage: Usage): string {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens } = usage;
  const seldom = cachedInputTokens ?? cacheWriteTokens ?? reasoningTokens;
  if (seldom !== undefined || inputTokens === undefined || outputTokens === undefined) return JSON.stringify(usage);
  return `{"inputTokens":${numberText(inputTokens)},"outputTokens":${numberText(outputTokens)}}`;
}

/** The own part as JSON. Written by hand, because a record is made for every operation and JSON.stringify took three times as long. */
export function toOwnJson(common: number, { id, context, outcome }: Ended): string {
  const { exchange, firstByteMs, usage, costNanos } = context;
  const own = exchange.id === exchange.chain.id;
  const ids = `${common},"${id}","${context.id}",${instantText(context.startedAtMs)},`;
  const request = own ? `"","${exchange.id}"` : `"${exchange.id}",${JSON.stringify(bounded(exchange.chain.id))}`;
  const times = `,${durationText(outcome.durationMs)},${firstByteMs === undefined ? "null" : durationText(firstByteMs)},`;
  const more = moreText(context);
  const cost = costNanos === undefined ? (more === "" ? "" : ",null") : `,${numberText(costNanos)}`;
  return `[${ids}${request}${times}${usage === undefined ? "null" : usageText(usage)}${cost}${more}]`;
}

/** Picks, charges and refusals, as far as there are any. */
function moreText({ picks, charges, refusals }: OperationContext): string {
  if (charges === undefined && refusals === undefined)
    return picks === undefined ? "" : `,[${picks.map((write) => write()).join()}]`;
  const picked = picks === undefined ? ",null" : `,[${picks.map((write) => write()).join()}]`;
  const charged = charges === undefined ? ",null" : `,[${chargesText(charges)}]`;
  return picked + charged + (refusals === undefined ? "" : `,${JSON.stringify(refusals)}`);
}

const lentTenant = ({ exchange, operation }: OperationContext): string =>
  exchange.principal.tenant === "" ? tenantOf(exchange, operation) : "";

export function toCommonPart({ context, outcome, policyHash }: Ended): CommonPart {
  const { exchange, operation, candidate, failed, decision, upstreamStatus, charges, notes } = context;
  const { principal, chain } = exchange;
  const { groups, scopes } = principal;
  const { kind, name, server } = operation.target;
  const tenant = lentTenant(context);
  return {
    depth: chain.depth,
    ...(chain.path.length > 0 && { path: chain.path }),
    route: exchange.route.path,
    protocol: operation.protocol,
    method: bounded(operation.method),
    direction: operation.direction,
    mode: operation.mode,
    ...(tenant !== "" && { tenant }),
    principal: {
      id: principal.id,
      tenant: principal.tenant,
      client: principal.client,
      actors: principal.actors,
      ...(groups.length > 0 && { groups: fewOf(groups) }),
      ...(scopes.length > 0 && { scopes: fewOf(scopes) }),
    },
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
    ...(charges !== undefined && { charged: toCounters(charges) }),
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
  const { exchange, operation, candidate, failed, decision, upstreamStatus, charges, notes } = context;
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
    (common.tenant ?? "") === lentTenant(context) &&
    common.policyHash === policyHash &&
    isSameList(common.path ?? none, chain.path) &&
    /* Seldom, and not compared: such records have a common part of their own. */
    common.notes === undefined &&
    notes === undefined &&
    isSameActors(common.principal.actors, principal.actors) &&
    isSameList(common.principal.groups ?? none, fewOf(principal.groups)) &&
    isSameList(common.principal.scopes ?? none, fewOf(principal.scopes)) &&
    isSameCharged(common.charged, charges) &&
    isSameDecision(common.decision, decision)
  );
}

export function toJournalRecord({ charged, ...common }: CommonPart, own: OwnPart): JournalRecord {
  const [, id, operationId, timeMs, requestId, chainId, durationMs, firstByteMs, usage, costNanos, picks] = own;
  const [charges, refusals] = [own[11], own[12]];
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
    ...(picks !== undefined && picks !== null && { picks }),
    ...(charged !== undefined && charges !== undefined && charges !== null && { charges: toCharges(charged, charges) }),
    ...(refusals !== undefined && { refusals }),
  };
}
