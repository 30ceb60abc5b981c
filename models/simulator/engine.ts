/**
 * The time a request takes on a simulated accelerator: continuous batching with the constants of the Gateway API Inference Extension's
 * simulation (tag v1.4.0, tools/simulations/llm_ig_simulation).
 */
const PREFILL_FLOOR_S = 0.04;
const PREFILL_BASE_S = 0.01969;
const PREFILL_PER_TOKEN_S = 6.77e-5;
const DECODE_BASE_S = 0.014;
const DECODE_PER_KV_TOKEN_S = 5.35e-7;
const DECODE_PER_SEQUENCE_S = 1.026e-4;

export const BLOCK_SIZE = 16;

export interface EngineOptions {
  /** 1: the speed of the real accelerator; 0.1: ten times as fast; 0: no waiting at all. */
  readonly timeScale: number;
  /** Sequences that run at once; more wait. */
  readonly maxSequences: number;
  readonly blocks: number;
}

/** One request in the engine. `finish` must be called once, however it ended. */
export interface Sequence {
  /** Milliseconds of prefill under the present load. */
  prefillMs(): number;
  /** Milliseconds of one decode step under the present load. */
  decodeMs(): number;
  /** One more token holds key-value cache. */
  grow(): void;
  finish(): void;
}

export interface Engine {
  readonly running: number;
  readonly waiting: number;
  /** Share of the key-value cache in use, 0 to 1. */
  readonly cacheUsage: number;
  /** Resolves when the sequence may run; undefined when the signal aborted first. */
  admit(promptTokens: number, signal: AbortSignal): Promise<Sequence | undefined>;
}

export function createEngine(options: EngineOptions): Engine {
  const queue: (() => void)[] = [];
  let running = 0;
  let tokens = 0;

  function start(promptTokens: number): Sequence {
    running++;
    let held = promptTokens;
    tokens += held;
    return {
      prefillMs: () =>
        Math.max(PREFILL_FLOOR_S, PREFILL_BASE_S + PREFILL_PER_TOKEN_S * promptTokens) * 1_000 * options.timeScale,
      decodeMs: () =>
        (DECODE_BASE_S + DECODE_PER_KV_TOKEN_S * tokens + DECODE_PER_SEQUENCE_S * running) * 1_000 * options.timeScale,
      grow() {
        held++;
        tokens++;
      },
      finish() {
        running--;
        tokens -= held;
        queue.shift()?.();
      },
    };
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return queue.length;
    },
    get cacheUsage() {
      return Math.min(1, Math.ceil(tokens / BLOCK_SIZE) / options.blocks);
    },
    admit(promptTokens, signal) {
      if (running < options.maxSequences) return Promise.resolve(start(promptTokens));
      return new Promise((resolve) => {
        const proceed = () => {
          signal.removeEventListener("abort", leave);
          resolve(start(promptTokens));
        };
        const leave = () => {
          queue.splice(queue.indexOf(proceed), 1);
          resolve(undefined);
        };
        signal.addEventListener("abort", leave, { once: true });
        queue.push(proceed);
      });
    },
  };
}
