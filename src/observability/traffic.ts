import { protocols } from "../core/operation.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import { tenantOf } from "../core/tenant.ts";
import type { EndpointPick } from "./journal-record.ts";
import { type NamedTallies, type NameKind, TrafficNames } from "./traffic-names.ts";
import { createRow, place, quantile, type Row, timePlace, TrafficRing } from "./traffic-ring.ts";

/** What was counted in a stretch of time. `limited`: refused for want of budget or by a rate limit. */
export interface TrafficCounts {
  readonly calls: number;
  readonly ok: number;
  readonly denied: number;
  readonly limited: number;
  readonly failed: number;
  readonly aborted: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanos: number;
  readonly cacheHits: number;
  readonly byProtocol: Readonly<Record<string, number>>;
  /** Of calls that were let through; null where there was none. */
  readonly latency: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
}

/** Decisions that one rule made. */
export interface RuleHits {
  allowed: number;
  denied: number;
  shadow: number;
}

export interface RecentPick extends EndpointPick {
  readonly timeMs: number;
  readonly operationId: string;
  readonly chainId: string;
  readonly model: string;
}

/** What this process has seen of late, in fixed memory: for people who look, where metrics are for those who store. */
export interface Traffic {
  readonly sinceMs: number;
  /** One operation ended. */
  operation(context: OperationContext, outcome: Outcome): void;
  /** `count` stretches of `stretchMs` (a multiple of 15 s up to an hour in all, of five minutes up to a day), the one at hand last. */
  stretches(stretchMs: number, count: number, nowMs: number): readonly (TrafficCounts & { readonly startMs: number })[];
  /** All of them together. */
  total(stretchMs: number, count: number, nowMs: number): TrafficCounts;
  /** Everything since the start. */
  sum(): Row;
  names(fromMs: number, nowMs: number): Readonly<Record<NameKind, NamedTallies>>;
  readonly rules: ReadonlyMap<string, Readonly<RuleHits>>;
  /** The newest first. */
  picks(): readonly RecentPick[];
}

const FINE_MS = 15_000;
const FINE_COUNT = 240;
const COARSE_MS = 300_000;
const COARSE_COUNT = 288;
const MOST_RULES = 1_000;
const MOST_PICKS = 100;

const once = { calls: 1, failed: 0, tokens: 0, costNanos: 0 };
const onceFailed = { ...once, failed: 1 };

const limitedKinds = new Set(["budget_exhausted", "rate_limited", "runaway_stopped"]);

/** Whether an error of this kind says that a budget or a limit had no room. */
export const isLimited = (kind: string | undefined): boolean => kind !== undefined && limitedKinds.has(kind);
const protocolPlaces = new Map(protocols.map((protocol, at) => [protocol, place.protocols + at]));

export function toCounts(row: Row): TrafficCounts {
  const { protocols: _protocols, ...fields } = place;
  return {
    ...(Object.fromEntries(Object.entries(fields).map(([name, at]) => [name, row[at]!])) as Record<
      Exclude<keyof typeof place, "protocols">,
      number
    >),
    byProtocol: Object.fromEntries([...protocolPlaces].map(([protocol, at]) => [protocol, row[at]!])),
    latency: { p50: quantile(row, 0.5), p95: quantile(row, 0.95), p99: quantile(row, 0.99) },
  };
}

const isHit = (notes: OperationContext["notes"]): boolean =>
  notes !== undefined && notes.some((note) => /^cache: \w+ hit/.test(note));

function placeOf({ status, error }: Outcome): number {
  if (status === "ok") return place.ok;
  if (status === "denied") return place.denied;
  if (status !== "failed") return place.aborted;
  return isLimited(error?.kind) ? place.limited : place.failed;
}

export function createTraffic(clock: { now(): number }): Traffic {
  const fine = new TrafficRing(FINE_MS, FINE_COUNT);
  const coarse = new TrafficRing(COARSE_MS, COARSE_COUNT);
  const names = new TrafficNames();
  const all = createRow();
  const rules = new Map<string, RuleHits>();
  /* Not the operation itself: it holds on to what was said. */
  const picks: (Omit<RecentPick, keyof EndpointPick> & { readonly written: readonly (() => string)[] })[] = [];
  let nextPick = 0;

  const hitsOf = (rule: string): RuleHits | undefined => {
    let hits = rules.get(rule);
    if (hits === undefined && rules.size < MOST_RULES) rules.set(rule, (hits = { allowed: 0, denied: 0, shadow: 0 }));
    return hits;
  };

  function countIn(
    row: Row,
    { operation, usage, costNanos }: OperationContext,
    at: number,
    protocol: number,
    time: number,
    hit: number,
  ) {
    if (usage !== undefined) {
      row[place.inputTokens]! += usage.inputTokens ?? 0;
      row[place.outputTokens]! += usage.outputTokens ?? 0;
    }
    if (costNanos !== undefined) row[place.costNanos]! += costNanos;
    /* A call of the gateway's own costs, and nobody made it. */
    if (operation.own !== undefined) return;
    row[place.calls]! += 1;
    row[at]! += 1;
    row[protocol]! += 1;
    row[place.cacheHits]! += hit;
    if (at !== place.denied && at !== place.limited) row[time]! += 1;
  }

  function countRule({ decision }: OperationContext): void {
    if (decision === undefined) return;
    const hits = hitsOf(decision.rule);
    if (hits !== undefined) hits[decision.allow ? "allowed" : "denied"] += 1;
    if (decision.shadow !== undefined)
      for (const { rule } of decision.shadow) {
        const shadow = hitsOf(rule);
        if (shadow !== undefined) shadow.shadow += 1;
      }
  }

  function countNames(context: OperationContext, at: number, endMs: number): void {
    const { exchange, operation, candidate, decision, usage, costNanos = 0 } = context;
    const tokens = usage === undefined ? 0 : (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
    /* A call of the gateway's own costs whom it is made for, and nobody made it. */
    const calls = operation.own === undefined ? 1 : 0;
    const failed = at === place.failed ? calls : 0;
    const tally = { calls, failed, tokens, costNanos };
    /* Where nobody was asked the name is the caller's own, of something that may not exist. */
    if (operation.protocol === "llm" && candidate !== undefined) names.add("models", candidate.name, endMs, tally);
    names.add("tenants", tenantOf(exchange, operation), endMs, tally);
    if (calls === 0) return;
    if (at === place.denied) names.add("denials", decision?.rule ?? "none", endMs, once);
    if (failed === 1 && candidate !== undefined) names.add("failing", operation.target.name, endMs, onceFailed);
  }

  const sumOf = (stretchMs: number, fromMs: number): Row => {
    const row = createRow();
    (stretchMs % COARSE_MS === 0 ? coarse : fine).sum(row, fromMs, fromMs + stretchMs);
    return row;
  };
  const firstOf = (stretchMs: number, count: number, nowMs: number): number =>
    (Math.floor(nowMs / stretchMs) - count + 1) * stretchMs;

  return {
    sinceMs: clock.now(),
    operation(context, outcome) {
      const { operation } = context;
      if (!operation.judged && operation.own === undefined) return;
      const endMs = context.startedAtMs + outcome.durationMs;
      const at = placeOf(outcome);
      const time = timePlace(outcome.durationMs);
      const protocol = protocolPlaces.get(operation.protocol)!;
      const hit = isHit(context.notes) ? 1 : 0;
      countIn(fine.at(endMs), context, at, protocol, time, hit);
      countIn(coarse.at(endMs), context, at, protocol, time, hit);
      countIn(all, context, at, protocol, time, hit);
      countNames(context, at, endMs);
      if (operation.judged) countRule(context);
      const { id, exchange, picks: written } = context;
      if (written === undefined) return;
      const { name: model } = operation.target;
      picks[nextPick] = { timeMs: endMs, operationId: id, chainId: exchange.chain.id, model, written };
      nextPick = (nextPick + 1) % MOST_PICKS;
    },
    stretches(stretchMs, count, nowMs) {
      const first = firstOf(stretchMs, count, nowMs);
      return Array.from({ length: count }, (_, at) => {
        const startMs = first + at * stretchMs;
        return { startMs, ...toCounts(sumOf(stretchMs, startMs)) };
      });
    },
    total(stretchMs, count, nowMs) {
      const row = createRow();
      const first = firstOf(stretchMs, count, nowMs);
      (stretchMs % COARSE_MS === 0 ? coarse : fine).sum(row, first, first + count * stretchMs);
      return toCounts(row);
    },
    sum: () => all.slice(),
    names: (fromMs, nowMs) => names.since(fromMs, nowMs),
    rules,
    picks() {
      const ordered = [...picks.slice(nextPick), ...picks.slice(0, nextPick)].toReversed();
      return ordered.flatMap(({ written, ...rest }) =>
        written.map((write) => ({ ...(JSON.parse(write()) as EndpointPick), ...rest })),
      );
    },
  };
}
