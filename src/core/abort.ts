/** Who is told of an abort: a function, or an object as EventTarget takes it. */
export type AbortListener = (() => void) | { handleEvent(): void };

/** The part of AbortSignal that the gateway uses. An AbortSignal is one; so is a `LightAbortSignal`, at a tenth of the cost. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** What the abort was given; undefined before. */
  readonly reason: unknown;
  /** Throws the reason once aborted. */
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: AbortListener, options?: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: AbortListener): void;
}

/**
 * A signal for every request, which hardly ever aborts. An AbortController with one listener costs 2 µs and five objects; this costs
 * one. For a library that wants the real thing there is `toAbortSignal`.
 */
export class LightAbortSignal implements AbortSignalLike {
  aborted = false;
  reason: unknown = undefined;
  /* Most have one listener at a time; it is older than the others. */
  #first: AbortListener | undefined;
  #others: AbortListener[] | undefined;

  /** Tells every listener, once, oldest first. The first reason stays. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) tell(first);
    // Taken one at a time, as EventTarget does: one that is removed by another is not told any more.
    let next: AbortListener | undefined;
    while ((next = this.#others?.shift()) !== undefined) tell(next);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_: "abort", listener: AbortListener): void {
    if (this.aborted || this.#first === listener || this.#others?.includes(listener) === true) return;
    if (this.#first === undefined && this.#others === undefined) this.#first = listener;
    else (this.#others ??= []).push(listener);
  }

  removeEventListener(_: "abort", listener: AbortListener): void {
    if (this.#first === listener) this.#first = undefined;
    else {
      const place = this.#others?.indexOf(listener) ?? -1;
      if (place >= 0) this.#others?.splice(place, 1);
    }
    if (this.#others?.length === 0) this.#others = undefined;
  }
}

function tell(listener: AbortListener): void {
  try {
    if (typeof listener === "function") listener();
    else listener.handleEvent();
  } catch (error) {
    // As EventTarget does: the others are told all the same.
    process.nextTick(() => {
      throw error;
    });
  }
}

const real = new WeakMap<AbortSignalLike, AbortSignal>();

/** The same signal for a library: it aborts with it, for the same reason. One for each signal, which keeps one listener for it. */
export function toAbortSignal(signal: AbortSignalLike): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const known = real.get(signal);
  if (known !== undefined) return known;
  const controller = new AbortController();
  if (signal.aborted) controller.abort(signal.reason);
  else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  real.set(signal, controller.signal);
  return controller.signal;
}

/** Resolves when the first of them aborts, and leaves no listener on the others: some live as long as the gateway. */
export function firstAbort(...signals: readonly AbortSignalLike[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    };
    for (const signal of signals) signal.addEventListener("abort", done, { once: true });
    if (signals.some(({ aborted }) => aborted)) done();
  });
}

/** Resolves or rejects as what is waited for, or rejects with the signal's reason as soon as it aborts. Leaves no listener behind. */
export async function unlessAborted<T>(pending: Promise<T>, signal: AbortSignalLike): Promise<T> {
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Carries out `work` with a signal that aborts with `signal`, and with what `late` gives once the time is over. Without a limit it is
 * `signal` itself. Leaves neither listener nor timer behind.
 */
export async function withinMs<T>(
  signal: AbortSignalLike,
  limitMs: number | undefined,
  late: () => unknown,
  work: (signal: AbortSignalLike) => Promise<T>,
): Promise<T> {
  if (limitMs === undefined) return work(signal);
  const limited = new LightAbortSignal();
  const follow = () => limited.abort(signal.reason);
  const timer = setTimeout(() => limited.abort(late()), limitMs);
  signal.addEventListener("abort", follow, { once: true });
  if (signal.aborted) follow();
  try {
    return await work(limited);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", follow);
  }
}

/** What is left of the tighter of two bounds, in milliseconds; 0 is none, and so is undefined. `passedMs` counts toward the first. */
export function tighterMs(wholeMs: number, passedMs: number, partMs: number): number | undefined {
  const whole = wholeMs === 0 ? Number.POSITIVE_INFINITY : Math.max(1, wholeMs - passedMs);
  const limit = Math.min(whole, partMs === 0 ? Number.POSITIVE_INFINITY : partMs);
  return limit === Number.POSITIVE_INFINITY ? undefined : limit;
}
