import { Accelerator } from "./accelerator.ts";
import type { Ticket, Time } from "./accelerator.ts";
import { wait } from "./wait.ts";

export const BLOCK_SIZE = 16;

export interface EngineOptions {
  /** 1: the speed of the real accelerator; 0.1: ten times as fast; 0: no waiting at all. */
  readonly timeScale: number;
  /** Sequences that run at once; more wait. */
  readonly maxSequences: number;
  readonly blocks: number;
  /** LoRA adapters held at one time. Default 4. */
  readonly maxAdapters?: number;
}

/** What is asked of the engine. */
export interface Asked {
  /** Keys of the prompt's blocks. */
  readonly prompt: readonly number[];
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly adapter?: string | undefined;
  /** Milliseconds before the first token and between tokens, in place of the accelerator's. */
  readonly ttftMs?: number | undefined;
  readonly itlMs?: number | undefined;
}

/** One request in the engine. `finish` must be called once, however it ended. */
export interface Sequence {
  /** Resolves when the first token is there; false when the signal aborted first. */
  firstToken(): Promise<boolean>;
  /** The same of each further token. One that is taken late was there before: a slow reader does not stop the engine. */
  nextToken(): Promise<boolean>;
  finish(): void;
}

export interface Engine {
  /** The batch, its cache and its adapters. */
  readonly accelerator: Accelerator;
  /** Resolves when the sequence may run; undefined when the signal aborted first. */
  admit(asked: Asked, signal: AbortSignal): Promise<Sequence | undefined>;
}

/* The step that begins when one ends begins when it should have ended: timers are late by up to a millisecond, which would add up. */
function realTime(scale: number): Time {
  return {
    now: () => performance.now() / scale,
    at(timeMs, run) {
      const delayMs = timeMs * scale - performance.now();
      if (delayMs > 0) setTimeout(run, delayMs);
      else setImmediate(run);
    },
  };
}

export function createEngine({ timeScale, maxSequences, blocks, maxAdapters = 4 }: EngineOptions): Engine {
  const time: Time = timeScale === 0 ? { now: () => 0, at: (_, run) => setImmediate(run) } : realTime(timeScale);
  const accelerator = new Accelerator(time, { maxSequences, blocks, blockTokens: BLOCK_SIZE, maxAdapters });

  return {
    accelerator,
    admit(asked, signal) {
      const { ttftMs, itlMs } = asked;
      const paced = timeScale === 0 || ttftMs !== undefined || itlMs !== undefined;
      const tokens = new Tokens(signal);
      return new Promise((resolve) => {
        const leave = () => {
          accelerator.remove(ticket);
          resolve(undefined);
        };
        const sequence = (): Sequence => ({
          firstToken: () => (paced ? wait(ttftMs ?? 0, signal) : tokens.take()),
          nextToken: () => (paced ? wait(itlMs ?? 0, signal) : tokens.take()),
          finish: () => accelerator.remove(ticket),
        });
        const ticket: Ticket = accelerator.add({
          ...asked,
          paced,
          // The ticket is there once this turn is over.
          started: () =>
            queueMicrotask(() => {
              signal.removeEventListener("abort", leave);
              resolve(sequence());
            }),
          firstToken: tokens.made,
          nextToken: tokens.made,
        });
        if (signal.aborted) leave();
        else signal.addEventListener("abort", leave, { once: true });
      });
    },
  };
}

/** Counts tokens from where they are made to where they are taken. */
class Tokens {
  #ready = 0;
  #taker: ((there: boolean) => void) | undefined;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#taker?.(false), { once: true });
  }

  readonly made = (): void => {
    this.#ready++;
    this.#taker?.(true);
  };

  async take(): Promise<boolean> {
    if (this.#ready === 0 && !this.#signal.aborted) {
      await new Promise<boolean>((resolve) => (this.#taker = resolve));
      this.#taker = undefined;
    }
    if (this.#signal.aborted) return false;
    this.#ready--;
    return true;
  }
}
