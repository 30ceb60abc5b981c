import type { Look } from "./scraper.ts";

/* One refusal may be a restart of what stands before it; a hung server answers nothing for longer than a busy one. */
const REFUSALS = 2;
const SILENCES = 5;
/* Of one endpoint, one after the other. */
const FAILURES_IN_A_ROW = 5;
/* A share of failures says something from so many calls on. */
const FEWEST_CALLS = 20;
const FAILING_SHARE = 0.5;
/* How many times as often as its neighbours it fails. What the others fail at as well is not the endpoint's. */
const WORSE_THAN_OTHERS = 3;
const HALF_LIFE_MS = 10_000;
const FIRST_REST_MS = 10_000;
const LONGEST_REST_MS = 300_000;

export interface Counts {
  readonly calls: number;
  readonly failures: number;
}

/** How the calls of one endpoint went of late: counts that lose half of their weight every ten seconds. */
export class CallRecord {
  #calls = 0;
  #failures = 0;
  #atMs = 0;

  add(failed: boolean, nowMs: number): void {
    this.#fade(nowMs);
    this.#calls++;
    if (failed) this.#failures++;
  }

  read(nowMs: number): Counts {
    this.#fade(nowMs);
    return { calls: this.#calls, failures: this.#failures };
  }

  clear(): void {
    this.#calls = 0;
    this.#failures = 0;
  }

  #fade(nowMs: number): void {
    const left = 0.5 ** ((nowMs - this.#atMs) / HALF_LIFE_MS);
    this.#atMs = nowMs;
    this.#calls *= left;
    this.#failures *= left;
  }
}

export type HealthState = "well" | "unreachable" | "ejected";

/** Whether one endpoint is well, by what is seen of it: looks at it and the calls it was sent. */
export class Health {
  readonly record = new CallRecord();
  #unreachable = false;
  #refusals = 0;
  #silences = 0;
  #inARow = 0;
  #ejections = 0;
  #ejectedUntilMs = 0;
  #backSinceMs = 0;

  state(nowMs: number): HealthState {
    if (this.#unreachable) return "unreachable";
    return nowMs < this.#ejectedUntilMs ? "ejected" : "well";
  }

  /** Takes in a look. True: it is back after it could not be reached, as one that has started anew. */
  saw({ kind }: Look): boolean {
    this.#refusals = kind === "refused" ? this.#refusals + 1 : 0;
    this.#silences = kind === "silent" ? this.#silences + 1 : 0;
    if (this.#refusals >= REFUSALS || this.#silences >= SILENCES) this.#unreachable = true;
    if (kind === "refused" || kind === "silent" || !this.#unreachable) return false;
    this.#unreachable = false;
    this.#inARow = 0;
    return true;
  }

  /** A call could not be sent to it: it is asked no more until a look says that it is back. */
  refused(): void {
    this.#unreachable = true;
  }

  /** A call has ended. True: it fails and `others` do not, so it should rest. */
  ended(failed: boolean, readOthers: () => Counts, nowMs: number): boolean {
    this.record.add(failed, nowMs);
    if (!failed) {
      this.#inARow = 0;
      if (nowMs - this.#backSinceMs > LONGEST_REST_MS) this.#ejections = 0;
      return false;
    }
    this.#inARow++;
    const { calls, failures } = this.record.read(nowMs);
    const others = readOthers();
    const share = failures / calls;
    const othersShare = others.calls < 1 ? 0 : others.failures / others.calls;
    if (othersShare * WORSE_THAN_OTHERS > share) return false;
    return this.#inARow >= FAILURES_IN_A_ROW || (calls >= FEWEST_CALLS && share >= FAILING_SHARE);
  }

  /** Gets no calls for a while, twice as long each time. After it the first failure ejects it again. */
  eject(nowMs: number): void {
    const restMs = Math.min(FIRST_REST_MS * 2 ** this.#ejections++, LONGEST_REST_MS);
    this.#ejectedUntilMs = nowMs + restMs;
    this.#backSinceMs = this.#ejectedUntilMs;
    this.#inARow = FAILURES_IN_A_ROW - 1;
    this.record.clear();
  }

  /** Nobody else is there. */
  readmit(): void {
    this.#ejectedUntilMs = 0;
  }

  /** Milliseconds until it gets calls again; 0 when it is not ejected. */
  restMs(nowMs: number): number {
    return Math.max(0, this.#ejectedUntilMs - nowMs);
  }
}
