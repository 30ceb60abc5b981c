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
  /* Most have one listener at a time. */
  #first: AbortListener | undefined;
  #others: AbortListener[] | undefined;

  /** Tells every listener, once. The first reason stays. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = [...(this.#first === undefined ? [] : [this.#first]), ...(this.#others ?? [])];
    this.#first = undefined;
    this.#others = undefined;
    for (const listener of listeners) tell(listener);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_: "abort", listener: AbortListener): void {
    if (this.aborted || this.#first === listener || this.#others?.includes(listener) === true) return;
    if (this.#first === undefined) this.#first = listener;
    else (this.#others ??= []).push(listener);
  }

  removeEventListener(_: "abort", listener: AbortListener): void {
    if (this.#first === listener) this.#first = undefined;
    else if (this.#others !== undefined) this.#others = this.#others.filter((each) => each !== listener);
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

/** The same signal for a library: it aborts with it, for the same reason. */
export function toAbortSignal(signal: AbortSignalLike): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  if (signal.aborted) controller.abort(signal.reason);
  else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  return controller.signal;
}
