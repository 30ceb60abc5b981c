import type { JournalRecord } from "../observability/journal-record.ts";
import { isLimited } from "../observability/traffic.ts";
import type { ChainOutcome, ChainRow } from "./api/chains.ts";
import type { BudgetUnit } from "./api/overview.ts";

/* A search finds a chain by so many; a row names the first of them. */
const MOST_TARGETS = 64;
const MOST_NAMED = 8;
const MOST_REQUESTS = 8;
/* Of rules, of budgets and of kinds of errors. */
const MOST_REASONS = 8;
const MOST_COUNTERS = 32;

/* As the gateway notes what policy is not asked about. */
const unasked = new Set(["any principal", "the gateway's own"]);

/** Whether somebody made it and policy judges it: handshakes, lists and the gateway's own calls are no calls. */
export const isCall = ({ decision, target }: JournalRecord): boolean =>
  decision === undefined ? target.name !== "" : !unasked.has(decision.rule);

/** A counter of a budget, or several: what is absent may be anything. */
export interface CounterQuery {
  readonly budget: string;
  /** The limit as it was written. */
  readonly limit?: string | undefined;
  /** Of a limit per chain, the chain. */
  readonly key?: string | undefined;
}

interface ChainCharge {
  readonly budget: string;
  readonly limit: string;
  readonly key: string;
  readonly unit: BudgetUnit;
  amount: number;
}

const none: readonly string[] = [];

/** The sum of a chain's records, which may come in any order. */
export class GrowingChain {
  readonly chainId: string;
  endMs = 0;
  beganAtMs = Number.POSITIVE_INFINITY;
  #principal: string | null = null;
  #tenant = "";
  #operations = 0;
  #calls = 0;
  #costNanos = 0;
  #costIsPartial = false;
  #inputTokens = 0;
  #outputTokens = 0;
  #denied = 0;
  #limited = 0;
  #failed = 0;
  #aborted = 0;
  #depth = 0;
  #first: { readonly timeMs: number; readonly name: string } | undefined;
  /* Most chains have none of these. */
  #rules: Set<string> | undefined;
  #budgets: Set<string> | undefined;
  #errors: Set<string> | undefined;
  /* What answered in place of a target: a fallback, or what a router chose. */
  #candidates: Set<string> | undefined;
  #charges: ChainCharge[] | undefined;
  readonly #targets = new Set<string>();
  readonly #requests = new Set<string>();
  #row: ChainRow | undefined;
  #words: string | undefined;

  constructor(chainId: string) {
    this.chainId = chainId;
  }

  add(record: JournalRecord): void {
    const { timeMs, durationMs, principal, depth, usage, costNanos, outcome, requestId, charges, refusals } = record;
    this.#row = undefined;
    this.#words = undefined;
    this.beganAtMs = Math.min(this.beganAtMs, timeMs);
    this.endMs = Math.max(this.endMs, timeMs + durationMs);
    if (depth === 0 || this.#principal === null) {
      if (depth === 0) this.#principal = principal.id;
      this.#tenant = record.tenant ?? principal.tenant;
    }
    this.#operations += 1;
    this.#depth = Math.max(this.#depth, depth);
    this.#inputTokens += usage?.inputTokens ?? 0;
    this.#outputTokens += usage?.outputTokens ?? 0;
    this.#costNanos += costNanos ?? 0;
    if (record.protocol === "llm" && outcome === "ok" && costNanos === undefined) this.#costIsPartial = true;
    if (this.#requests.size < MOST_REQUESTS) this.#requests.add(requestId);
    if (charges !== undefined) for (const charge of charges) this.#charge(charge);
    if (!isCall(record)) return;
    this.#calls += 1;
    this.#take(record.target.name, timeMs);
    const { candidate } = record;
    if (candidate !== undefined && candidate !== record.target.name)
      this.#candidates = addSome(this.#candidates, candidate);
    if (refusals !== undefined) for (const { budget } of refusals) this.#budgets = addSome(this.#budgets, budget);
    if (outcome === "denied") {
      this.#denied += 1;
      this.#rules = addSome(this.#rules, record.decision?.rule ?? "none");
    } else if (outcome === "failed") {
      if (isLimited(record.kind)) this.#limited += 1;
      else this.#failed += 1;
      if (record.kind !== undefined) this.#errors = addSome(this.#errors, record.kind);
    } else if (outcome !== "ok") this.#aborted += 1;
  }

  #charge({ budget, limit, key, unit, booked }: NonNullable<JournalRecord["charges"]>[number]): void {
    if (booked === 0) return;
    this.#charges ??= [];
    const known = this.#charges.find((each) => each.key === key && each.limit === limit && each.budget === budget);
    if (known !== undefined) known.amount += booked;
    else if (this.#charges.length < MOST_COUNTERS) this.#charges.push({ budget, limit, key, unit, amount: booked });
  }

  /** What it took of these counters; undefined: nothing. */
  usedOf({ budget, limit, key }: CounterQuery): ChainRow["used"] {
    let used: { readonly unit: BudgetUnit; amount: number } | undefined;
    for (const each of this.#charges ?? []) {
      if (each.budget !== budget || (limit !== undefined && each.limit !== limit)) continue;
      if (key !== undefined && each.key !== key && this.chainId !== key) continue;
      used ??= { unit: each.unit, amount: 0 };
      used.amount += each.amount;
    }
    return used;
  }

  wasDeniedBy(rule: string): boolean {
    return this.#rules?.has(rule) === true;
  }

  wasRefusedBy(budget: string): boolean {
    return this.#budgets?.has(budget) === true;
  }

  failedWith(kind: string): boolean {
    return this.#errors?.has(kind) === true;
  }

  #take(name: string, timeMs: number): void {
    if (name === "") return;
    if (this.#first === undefined || timeMs < this.#first.timeMs) this.#first = { timeMs, name };
    if (this.#targets.size < MOST_TARGETS) this.#targets.add(name);
  }

  /** Those that policy judges. */
  get calls(): number {
    return this.#calls;
  }

  /** Whether a call of it ended so; `ok`: none ended otherwise. */
  had(outcome: ChainOutcome): boolean {
    switch (outcome) {
      case "denied":
        return this.#denied > 0;
      case "limited":
        return this.#limited > 0;
      case "failed":
        return this.#failed > 0;
      case "aborted":
        return this.#aborted > 0;
      case "ok":
        return this.outcome === "ok";
    }
  }

  /** The worst of its calls. */
  get outcome(): ChainOutcome {
    if (this.#denied > 0) return "denied";
    if (this.#limited > 0) return "limited";
    if (this.#failed > 0) return "failed";
    return this.#aborted > 0 ? "aborted" : "ok";
  }

  get row(): ChainRow {
    return (this.#row ??= {
      chainId: this.chainId,
      principal: this.#principal,
      tenant: this.#tenant,
      beganAtMs: this.beganAtMs,
      durationMs: this.endMs - this.beganAtMs,
      operations: this.#operations,
      calls: this.#calls,
      costNanos: this.#costNanos,
      costIsPartial: this.#costIsPartial,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
      outcome: this.outcome,
      denied: this.#denied,
      limited: this.#limited,
      failed: this.#failed,
      targets: this.#named(),
      rules: [...(this.#rules ?? none)],
      budgets: [...(this.#budgets ?? none)],
      errors: [...(this.#errors ?? none)],
      depth: this.#depth,
    });
  }

  #named(): readonly string[] {
    const first = this.#first?.name;
    return first === undefined
      ? []
      : [first, ...[...this.#targets].filter((name) => name !== first)].slice(0, MOST_NAMED);
  }

  #sayAll(): readonly (string | null)[] {
    const { chainId, principal, tenant, rules, budgets, errors } = this.row;
    const kinds = errors.flatMap((kind) => [kind, kind.replaceAll("_", " ")]);
    return [
      chainId,
      principal,
      tenant,
      ...this.#targets,
      ...(this.#candidates ?? none),
      ...this.#requests,
      ...rules,
      ...budgets,
      ...kinds,
    ];
  }

  /** Whether a search for these words, in lower case, finds it. */
  says(words: string): boolean {
    this.#words ??= this.#sayAll().join("\n").toLowerCase();
    return this.#words.includes(words);
  }
}

function addSome(names: Set<string> | undefined, name: string): Set<string> {
  const some = names ?? new Set();
  if (some.size < MOST_REASONS) some.add(name);
  return some;
}
