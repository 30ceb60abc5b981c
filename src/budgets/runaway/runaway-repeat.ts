const LONGEST_STOP_MS = 3_600_000;

/** From how many on it is time for a warning. */
export const nearOf = (limit: number): number => Math.ceil(limit * 0.8);

/** Something that is done again and again: when, how often it failed, what it cost, and whether it is held up. */
export class Repeat {
  beganAtMs: number;
  /** How often in all, those held up aside. */
  total = 0;
  /** Failures since the last success, as `failuresAt` last saw them. */
  failures = 0;
  costNanos = 0;
  /** How many are under way, and when the last one ended. */
  open = 0;
  endedAtMs = Number.NEGATIVE_INFINITY;
  /** When the last stop lifts. */
  liftsAtMs = 0;
  /** The last so many times, in a circle: the limit can be judged exactly with nothing else kept. */
  readonly #times: Float64Array;
  #stops = 0;
  #probed = false;
  #failing = false;

  constructor(limit: number, nowMs: number) {
    this.beganAtMs = nowMs;
    this.#times = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
  }

  /** Whether one more now would be more than the limit within the window. */
  isOver(nowMs: number, windowMs: number): boolean {
    return nowMs - (this.#times[this.total % this.#times.length] as number) < windowMs;
  }

  /** Whether one more now would use up more than four fifths of the limit within the window. */
  isNear(nowMs: number, windowMs: number): boolean {
    const { length } = this.#times;
    const near = nearOf(length);
    return this.total >= near && nowMs - (this.#times[(this.total - near) % length] as number) < windowMs;
  }

  /** Whether it is stopped, or was until less than a window ago. */
  isWarm(nowMs: number, windowMs: number): boolean {
    return this.#stops > 0 && nowMs - this.liftsAtMs < windowMs;
  }

  /** Failures in a row, each less than a window after the one before: a job that fails once a day is no storm. */
  failuresAt(nowMs: number, windowMs: number): number {
    if (nowMs - this.endedAtMs >= windowMs && !this.isWarm(nowMs, windowMs)) this.failures = 0;
    return this.failures;
  }

  /** Takes in a call before the one that made it a repetition. */
  beginAfter(thenMs: number, costNanos: number): void {
    this.beganAtMs = thenMs;
    this.#times[0] = thenMs;
    this.total = 1;
    this.costNanos = costNanos;
  }

  begin(nowMs: number): void {
    this.#times[this.total % this.#times.length] = nowMs;
    this.total++;
    this.open++;
  }

  /** The call was not carried out but asked to come back later: it is as if it had not been made. */
  takeBack(): void {
    this.open--;
    if (this.total === 0) return;
    this.total--;
    this.#times[this.total % this.#times.length] = Number.NEGATIVE_INFINITY;
  }

  end(nowMs: number, failed: boolean | undefined, costNanos: number): void {
    this.open--;
    this.endedAtMs = nowMs;
    this.costNanos += costNanos;
    if (failed === true) this.failures++;
    else if (failed === false) this.#succeed();
  }

  #succeed(): void {
    this.failures = 0;
    /* What was stopped for failing alone has done with it. */
    if (this.#failing) this.#stops = 0;
    this.#failing = false;
  }

  /**
   * Stops it, where it is over a limit, and says whether this one is held up. When a stop has lifted one call may pass, to see; the
   * next is stopped for twice as long. `failing`: for its failures, so that a success clears it.
   */
  stop(nowMs: number, liftMs: number, windowMs: number, failing: boolean): boolean {
    if (nowMs < this.liftsAtMs) return true;
    if (!this.isWarm(nowMs, windowMs)) this.#stops = 0;
    if (this.#stops > 0 && !this.#probed) {
      this.#probed = true;
      return false;
    }
    this.liftsAtMs = nowMs + Math.min(LONGEST_STOP_MS, liftMs * 2 ** this.#stops);
    this.#stops++;
    this.#failing = failing;
    this.#probed = false;
    return true;
  }
}
