import type { AbortSignalLike } from "../../core/abort.ts";

/**
 * How a call ended that others wait for. `failed`: nobody answered. `left`: its caller went, which says nothing of the rest.
 * `found`: there was an answer, which is now kept here. `apart`: there is an answer, and it is for that call alone.
 */
export type Landing<T> =
  | { readonly answer: T }
  | { readonly answer?: undefined; readonly how: "failed" | "left" | "found" | "apart" };

/** A call under way. Whoever leads lands it, once, however it ends. */
export interface Flight<T> {
  land(landing: Landing<T>): void;
}

/** Lets equal calls wait for the first of them. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Set<(landing: Landing<T>) => void>>();

  get count(): number {
    return this.#flights.size;
  }

  isUnderWay(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Nobody else may be leading. */
  lead(key: string): Flight<T> {
    const waiting = new Set<(landing: Landing<T>) => void>();
    this.#flights.set(key, waiting);
    return {
      land: (landing) => {
        if (this.#flights.get(key) !== waiting) return;
        this.#flights.delete(key);
        for (const tell of waiting) tell(landing);
      },
    };
  }

  /** Resolves when the flight has landed, or to undefined after `waitMs`; rejects with the signal's reason. */
  follow(key: string, signal: AbortSignalLike, waitMs: number): Promise<Landing<T> | undefined> {
    const waiting = this.#flights.get(key);
    if (waiting === undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        waiting.delete(land);
      };
      const land = (landing: Landing<T> | undefined) => {
        stop();
        resolve(landing);
      };
      const leave = () => {
        stop();
        reject(signal.reason);
      };
      const timer = setTimeout(land, waitMs, undefined);
      waiting.add(land);
      signal.addEventListener("abort", leave, { once: true });
      if (signal.aborted) leave();
    });
  }
}
