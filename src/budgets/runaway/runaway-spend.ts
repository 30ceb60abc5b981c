import { NANOS_PER_DOLLAR } from "../money.ts";
import { Repeat } from "./runaway-repeat.ts";

/* Windows of use after which there is such a thing as usual. */
const LEARNING_WINDOWS = 6;
const WEIGHT = 0.2;

/** What one principal spends, window by window, and what is usual for it. */
export class Spending {
  /** For its stops. */
  readonly repeat: Repeat;
  /** In the window at hand, nano-dollars. */
  spentNanos = 0;
  /** Mean of the windows in which it spent anything, the later the weightier: a weekend off does not make Monday unusual. */
  usualNanos = 0;
  beganAtMs: number;
  #windows = 0;

  constructor(nowMs: number) {
    this.beganAtMs = nowMs;
    this.repeat = new Repeat(1, nowMs);
  }

  /** Begins a new window when the last is over. */
  roll(nowMs: number, windowMs: number, factor: number): void {
    if (nowMs - this.beganAtMs < windowMs) return;
    /* A window that stood out is no example of what is usual, or a runaway would come to be. */
    if (this.spentNanos > 0 && !this.isUnusual(factor)) {
      this.usualNanos += (this.spentNanos - this.usualNanos) * (this.#windows === 0 ? 1 : WEIGHT);
      this.#windows++;
    }
    this.spentNanos = 0;
    this.beganAtMs = nowMs;
  }

  isUnusual(factor: number): boolean {
    return (
      this.#windows >= LEARNING_WINDOWS &&
      this.spentNanos > NANOS_PER_DOLLAR &&
      this.spentNanos > factor * this.usualNanos
    );
  }
}
