import type { Clock } from "../../core/clock.ts";
import type { Operation } from "../../core/operation.ts";
import { setBounded } from "../../core/bounded-map.ts";
import type { Alarm, Signal } from "./runaway-alarm.ts";
import { comparableOf, lastAct, lastText, type Comparable } from "./runaway-calls.ts";
import type { RunawayConfig } from "./runaway-config.ts";
import { type Fingerprint, fingerprintOf, keyOf, sampleOf } from "./runaway-fingerprint.ts";
import { nearOf, Repeat } from "./runaway-repeat.ts";
import { Sightings } from "./runaway-sightings.ts";
import { matchTargets } from "./target-names.ts";
import { type Glance, glanceAt, sampleOfPrompt, SimilarPrompts } from "./runaway-similar.ts";
import { Spending } from "./runaway-spend.ts";

/* Calls that were made more than once lately: up to 1.5 kB each with the largest limits, and 0.5 kB with those of the defaults. */
const MAX_REPEATS = 10_000;
const MAX_SCOPES = 2_000;
const MAX_PRINCIPALS = 10_000;

export interface WatchedCall {
  readonly operation: Operation;
  readonly principalId: string;
  /** The chain or run that others of this process may be part of; undefined for a request that stands alone. */
  readonly run: string | undefined;
  /** Whether it costs money. */
  readonly costs: boolean;
}

/** A call under way. */
export interface Sight {
  /** What it looks like; undefined: like any other. */
  readonly alarm: Alarm | undefined;
  readonly principalId: string;
  /** Under which it was first seen. */
  readonly key: number | undefined;
  /** What it counts in. */
  readonly counted: readonly Repeat[];
  /** What it would count in, were it no honest poll. */
  readonly polled: readonly Repeat[];
}

const none: readonly Repeat[] = [];
const nothing = { key: undefined, counted: none, polled: none } as const;
const noEquals: { readonly suspects: readonly Suspect[]; readonly polled: readonly Repeat[] } = {
  suspects: [],
  polled: none,
};
const scopes = ["run", "principal"] as const;

/** Watches for agents that run away. Everything is kept in this process, and bounded. */
export interface Runaway {
  /** Looks at a call before it is made. One whose alarm has `liftsInMs` must not be made, and has no end. */
  begin(call: WatchedCall): Sight;
  /** `failed`: undefined where the call ended in neither way, such as when its caller went; `later` where it was told when to come back. */
  end(sight: Sight, failed: boolean | "later" | undefined, costNanos: number | undefined): void;
}

/** What was known of a call before it was a repetition. */
interface First {
  readonly key: number;
  /** Of the arguments. */
  readonly fingerprint: number;
  readonly seen: boolean;
  readonly atMs: number;
}

type Suspect = Pick<Alarm, "signal" | "scope" | "limit"> & { readonly repeat: Repeat };

// oxlint-disable-next-line max-lines-per-function -- one closure over four bounded tables
export function createRunaway(config: RunawayConfig, clock: Pick<Clock, "monotonic">): Runaway {
  const { window: windowMs, lift: liftMs, same } = config;
  const sightings = new Sightings();
  const repeats = new Map<number, Repeat>();
  const prompts = new Map<string, SimilarPrompts>();
  const spendings = new Map<string, Spending>();
  const isExcepted = matchTargets(config.except);

  function repeatOf(key: number, limit: number, nowMs: number, first: First): Repeat {
    const known = repeats.get(key);
    if (known !== undefined) {
      setBounded(repeats, key, known, MAX_REPEATS);
      return known;
    }
    const repeat = new Repeat(limit, nowMs);
    /* The first call was only sighted: it counts with the second. */
    if (nowMs - first.atMs < windowMs) repeat.beginAfter(first.atMs, sightings.costOf(first.key));
    setBounded(repeats, key, repeat, MAX_REPEATS);
    return repeat;
  }

  /** Whether a call counts: an honest poll does not. */
  const counts = ({ pollable }: Comparable, repeat: Repeat, nowMs: number): boolean =>
    !pollable || repeat.open > 0 || nowMs - repeat.endedAtMs < config.polling;

  /** Whether an equal call was made lately. Long arguments are read whole only when a look at samples of them says that it may be so. */
  function sight(
    { operation, principalId }: WatchedCall,
    comparable: Comparable,
    glance: Glance | undefined,
    nowMs: number,
  ): First {
    const { server, name } = operation.target;
    const isPrompt = glance !== undefined && comparable.messages !== undefined;
    const sample: Fingerprint = isPrompt
      ? { key: sampleOfPrompt(glance, comparable.messages.length), sampled: true }
      : sampleOf(comparable.arguments);
    const key = keyOf(principalId, server, name, sample.key);
    const beforeMs = sightings.note(key, nowMs);
    if (beforeMs === undefined || !sample.sampled)
      return { key, fingerprint: sample.key, seen: beforeMs !== undefined, atMs: beforeMs ?? nowMs };
    const fingerprint = fingerprintOf(comparable.arguments);
    const wholeKey = keyOf(principalId, server, name, fingerprint);
    const sameMs = sightings.note(wholeKey, nowMs);
    if (sameMs !== undefined) return { key: wholeKey, fingerprint, seen: true, atMs: sameMs };
    /* Prompts that begin and end alike and are as long are the same more often than not: the first one counts as one. */
    return { key: isPrompt ? key : wholeKey, fingerprint, seen: isPrompt, atMs: isPrompt ? beforeMs : nowMs };
  }

  /** What an equal call is counted in; honest polls only leave their time there. */
  function equalsOf(call: WatchedCall, comparable: Comparable, first: First, nowMs: number) {
    const { operation, principalId, run } = call;
    const { server, name } = operation.target;
    const suspects: Suspect[] = [];
    const polled: Repeat[] = [];
    for (const scope of scopes) {
      const within = scope === "run" ? run : principalId;
      if (within === undefined) continue;
      const limit = same[scope];
      const repeat = repeatOf(keyOf(scope + within, server, name, first.fingerprint), limit, nowMs, first);
      if (counts(comparable, repeat, nowMs)) suspects.push({ signal: "same", scope, limit, repeat });
      else polled.push(repeat);
    }
    return { suspects, polled };
  }

  function similarOf(
    { operation, principalId, run }: WatchedCall,
    messages: readonly unknown[],
    glance: Glance,
    nowMs: number,
  ) {
    const within = run ?? principalId;
    let kinds = prompts.get(within);
    if (kinds === undefined) {
      kinds = new SimilarPrompts(config.similar);
      setBounded(prompts, within, kinds, MAX_SCOPES);
    }
    const repeat = kinds.find(operation.target.name, glance, lastAct(messages), nowMs);
    const scope = run === undefined ? "principal" : "run";
    return repeat === undefined ? undefined : ({ signal: "similar", scope, limit: config.similar, repeat } as const);
  }

  function signalOf({ signal, repeat }: Suspect, nowMs: number): Signal | undefined {
    if (signal === "same" && repeat.failuresAt(nowMs, windowMs) >= config.failures) return "failures";
    return repeat.isOver(nowMs, windowMs) || repeat.isWarm(nowMs, windowMs) ? signal : undefined;
  }

  function alarmOf({ scope, repeat, limit: most }: Suspect, signal: Signal, nowMs: number): Alarm {
    const count = signal === "failures" ? repeat.failures : repeat.total;
    const limit = signal === "failures" ? config.failures : most;
    const before = repeat.liftsAtMs;
    const held = config.action === "stop" && repeat.stop(nowMs, liftMs, windowMs, signal === "failures");
    return {
      signal,
      scope,
      count,
      limit,
      elapsedMs: nowMs - repeat.beganAtMs,
      costNanos: repeat.costNanos,
      begins: held ? repeat.liftsAtMs !== before : count === limit,
      liftsInMs: held ? repeat.liftsAtMs - nowMs : undefined,
    };
  }

  /** Before a stop comes a warning: what reads it can still change its mind. */
  function warningOf({ signal, scope, repeat, limit }: Suspect, nowMs: number): Alarm | undefined {
    if (config.action !== "stop" || !repeat.isNear(nowMs, windowMs)) return undefined;
    return {
      signal,
      scope,
      count: repeat.total,
      limit,
      elapsedMs: nowMs - repeat.beganAtMs,
      costNanos: repeat.costNanos,
      begins: repeat.total === nearOf(limit),
      liftsInMs: undefined,
    };
  }

  function spendAlarm(principalId: string, nowMs: number): Alarm | undefined {
    const spending = spendings.get(principalId);
    if (spending === undefined) return undefined;
    spending.roll(nowMs, windowMs, config.spend);
    const { repeat, usualNanos, spentNanos } = spending;
    if (!spending.isUnusual(config.spend)) return undefined;
    const suspect: Suspect = { signal: "spend", scope: "principal", limit: config.spend, repeat };
    const elapsedMs = nowMs - spending.beganAtMs;
    return { ...alarmOf(suspect, "spend", nowMs), costNanos: spentNanos, usualNanos, elapsedMs };
  }

  return {
    begin(call) {
      const nowMs = clock.monotonic();
      const { operation, principalId } = call;
      let alarm = call.costs ? spendAlarm(principalId, nowMs) : undefined;
      const comparable = comparableOf(operation);
      if (comparable === undefined || alarm?.liftsInMs !== undefined || isExcepted(operation))
        return { ...nothing, alarm, principalId };
      const { messages } = comparable;
      const text = messages === undefined ? "" : lastText(messages);
      const glance = text === "" ? undefined : glanceAt(text);
      const first = sight(call, comparable, glance, nowMs);
      const { suspects, polled } = first.seen ? equalsOf(call, comparable, first, nowMs) : noEquals;
      const similar = messages && glance && similarOf(call, messages, glance, nowMs);
      const all = similar === undefined ? suspects : [...suspects, similar];
      for (const suspect of all) {
        const signal = signalOf(suspect, nowMs);
        if (signal === undefined) {
          alarm ??= warningOf(suspect, nowMs);
          continue;
        }
        const found = alarmOf(suspect, signal, nowMs);
        if (found.liftsInMs !== undefined) return { ...nothing, alarm: found, principalId };
        alarm ??= found;
      }
      for (const { repeat } of all) repeat.begin(nowMs);
      for (const repeat of polled) repeat.open++;
      const counted = all.length === 0 ? none : all.map(({ repeat }) => repeat);
      return { alarm, principalId, key: first.seen ? undefined : first.key, counted, polled };
    },

    end({ principalId, key, counted, polled }, failed, costNanos = 0) {
      const nowMs = clock.monotonic();
      for (const repeat of counted) {
        if (failed === "later") repeat.takeBack();
        else repeat.end(nowMs, failed, costNanos);
      }
      for (const repeat of polled) repeat.end(nowMs, undefined, costNanos);
      if (costNanos <= 0) return;
      if (key !== undefined) sightings.addCost(key, costNanos);
      let spending = spendings.get(principalId);
      if (spending === undefined) {
        spending = new Spending(nowMs);
        setBounded(spendings, principalId, spending, MAX_PRINCIPALS);
      }
      spending.roll(nowMs, windowMs, config.spend);
      spending.spentNanos += costNanos;
    },
  };
}
