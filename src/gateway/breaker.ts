import type { Clock } from "../core/clock.ts";
import { SlidingWindow } from "./sliding-window.ts";

const WINDOW_MS = 10_000;
const CONSECUTIVE_FAILURES = 5;
const LEAST_CALLS = 20;
const FAILED_SHARE = 0.5;
/* A tenth of the time it has been down: one that is well again is found out a tenth later, be it a second or half a minute. */
const REST_SHARE = 0.1;
const SHORTEST_REST_MS = 100;
/* With the jitter under five seconds: an upstream that is well again is not left out for longer. */
const LONGEST_REST_MS = 4_000;
const JITTER = 0.2;
/* A probe is a caller's own request, and one that hangs must not keep the upstream out for as long. */
const PROBE_MS = 10_000;
/** Longest time an upstream may ask to be left alone: some say ten years. */
const LONGEST_HOLD_MS = 60_000;

export type BreakerState = "closed" | "open" | "half-open";

/** Why an upstream is not asked now. */
export interface Rest {
  readonly reason: "circuit_open" | "retry_later";
  /** It asked for the rest because of its rate limit. */
  readonly limited: boolean;
  readonly waitMs: number;
}

/** How a call ended, as far as its upstream's health goes; `unknown` for one that says nothing about it. */
export type Health = "well" | "sick" | "unknown";

const rest = (waitMs: number): Rest => ({ reason: "circuit_open", limited: false, waitMs });

/** The circuit breaker of one upstream. Times are those of the monotonic clock. */
export class Breaker {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #changed: (state: BreakerState) => void;
  readonly #window = new SlidingWindow(WINDOW_MS);
  #state: BreakerState = "closed";
  #consecutive = 0;
  /* When it opened for the first time since it was well. */
  #downSince: number | undefined;
  #openUntil = 0;
  #probeUntil = 0;
  #heldUntil = 0;
  #limited = false;

  /** `random` gives numbers from 0 to 1, for the jitter; `changed` is told of each new state. */
  constructor(clock: Clock, random: () => number, changed: (state: BreakerState) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#changed = changed;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Milliseconds until it may be asked again; 0 now. */
  get waitMs(): number {
    const until = Math.max(this.#state === "open" ? this.#openUntil : 0, this.#heldUntil);
    return Math.max(0, Math.ceil(until - this.#clock.monotonic()));
  }

  /** Asks for one call: `probe` when it is the one that finds out, and its end has to be told in any case. */
  enter(): "call" | "probe" | Rest {
    const now = this.#clock.monotonic();
    if (now < this.#heldUntil) return { reason: "retry_later", limited: this.#limited, waitMs: this.waitMs };
    if (this.#state === "closed") return "call";
    if (this.#state === "open" && now < this.#openUntil) return rest(this.waitMs);
    if (this.#state === "half-open" && now < this.#probeUntil) return rest(SHORTEST_REST_MS);
    this.#become("half-open");
    this.#probeUntil = now + PROBE_MS;
    return "probe";
  }

  /** A call has ended. */
  left(probe: boolean, health: Health): void {
    if (probe) this.#probed(health);
    else if (this.#state === "closed") this.#called(health);
    /* What began before it opened says nothing new. */
  }

  /** The upstream asked to be left alone; `limited`: because of its rate limit. */
  hold(ms: number, limited: boolean): void {
    const until = this.#clock.monotonic() + Math.min(ms, LONGEST_HOLD_MS);
    if (until < this.#heldUntil) return;
    this.#heldUntil = until;
    this.#limited = limited;
  }

  #called(health: Health): void {
    if (health === "unknown") return;
    const now = this.#clock.monotonic();
    const sick = health === "sick";
    this.#consecutive = sick ? this.#consecutive + 1 : 0;
    this.#window.add(now, 1, sick ? 1 : 0);
    if (!sick) return;
    const { first: calls, second: failures } = this.#window.at(now);
    if (this.#consecutive >= CONSECUTIVE_FAILURES || (calls >= LEAST_CALLS && failures >= calls * FAILED_SHARE))
      this.#open();
  }

  #probed(health: Health): void {
    if (this.#state !== "half-open") return;
    if (health === "sick") this.#open();
    else if (health === "well") this.#close();
    else this.#probeUntil = 0;
  }

  #open(): void {
    const now = this.#clock.monotonic();
    this.#downSince ??= now;
    const ms = Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, (now - this.#downSince) * REST_SHARE));
    this.#become("open");
    /* All replicas that gave up together must not come back together. */
    this.#openUntil = now + Math.round(ms * (1 - JITTER + 2 * JITTER * this.#random()));
  }

  #close(): void {
    this.#become("closed");
    this.#downSince = undefined;
    this.#consecutive = 0;
    this.#window.clear();
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#changed(state);
  }
}
