import type { JournalRecord } from "../observability/journal-record.ts";
import { isLimited } from "../observability/traffic.ts";
import type { ChainOutcome, ChainRow } from "./api/chains.ts";

const MOST_TARGETS = 8;
const MOST_REQUESTS = 8;

/* As the gateway notes what policy is not asked about. */
const unasked = new Set(["any principal", "the gateway's own"]);

/** Whether somebody made it and policy judges it: handshakes, lists and the gateway's own calls are no calls. */
export const isCall = ({ decision, target }: JournalRecord): boolean =>
  decision === undefined ? target.name !== "" : !unasked.has(decision.rule);

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
  readonly #targets = new Set<string>();
  readonly #requests = new Set<string>();
  #row: ChainRow | undefined;
  #words: string | undefined;

  constructor(chainId: string) {
    this.chainId = chainId;
  }

  add(record: JournalRecord): void {
    const { timeMs, durationMs, principal, depth, usage, costNanos, outcome, requestId } = record;
    this.#row = undefined;
    this.#words = undefined;
    this.beganAtMs = Math.min(this.beganAtMs, timeMs);
    this.endMs = Math.max(this.endMs, timeMs + durationMs);
    if (depth === 0 || this.#principal === null) {
      if (depth === 0) this.#principal = principal.id;
      this.#tenant = principal.tenant;
    }
    this.#operations += 1;
    this.#depth = Math.max(this.#depth, depth);
    this.#inputTokens += usage?.inputTokens ?? 0;
    this.#outputTokens += usage?.outputTokens ?? 0;
    this.#costNanos += costNanos ?? 0;
    if (record.protocol === "llm" && outcome === "ok" && costNanos === undefined) this.#costIsPartial = true;
    if (this.#requests.size < MOST_REQUESTS) this.#requests.add(requestId);
    if (!isCall(record)) return;
    this.#calls += 1;
    this.#take(record.target.name, timeMs);
    if (outcome === "denied") this.#denied += 1;
    else if (outcome === "failed") {
      if (isLimited(record.kind)) this.#limited += 1;
      else this.#failed += 1;
    } else if (outcome !== "ok") this.#aborted += 1;
  }

  #take(name: string, timeMs: number): void {
    if (name === "") return;
    if (this.#first === undefined || timeMs < this.#first.timeMs) this.#first = { timeMs, name };
    if (this.#targets.size < MOST_TARGETS) this.#targets.add(name);
  }

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
      depth: this.#depth,
    });
  }

  #named(): readonly string[] {
    const first = this.#first?.name;
    return first === undefined
      ? []
      : [first, ...[...this.#targets].filter((name) => name !== first)].slice(0, MOST_TARGETS);
  }

  /** Whether a search for these words, in lower case, finds it. */
  says(words: string): boolean {
    this.#words ??= [this.chainId, this.#principal, this.#tenant, ...this.#targets, ...this.#requests]
      .join("\n")
      .toLowerCase();
    return this.#words.includes(words);
  }
}
