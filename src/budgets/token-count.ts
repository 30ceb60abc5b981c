import { Worker } from "node:worker_threads";

/** Counts tokens off the event loop. */
export interface TokenCounter {
  /** Undefined when it takes too long or too many wait: the bound by bytes then stands. */
  count(text: string): Promise<number | undefined>;
  close(): Promise<void>;
}

/* 0.5 ms a kB: a tenth of a second of another core for the longest text. */
const LONGEST_TEXT = 262_144;
const MOST_WAITING = 32;
const TIMEOUT_MS = 1_000;
/* The first that counts waits for the vocabulary too. */
const START_TIMEOUT_MS = 10_000;
/* The vocabulary takes some 60 MB; it is let go of when nobody has counted for a while. */
const IDLE_MS = 60_000;

interface Reply {
  readonly id: number;
  readonly tokens: number;
}

/* Compiled, the worker lies beside this file under the other ending. */
const workerUrl = new URL(import.meta.url.endsWith(".ts") ? "./token-worker.ts" : "./token-worker.js", import.meta.url);

/** A worker that is started by the first text to count. */
export function createTokenCounter(): TokenCounter {
  const waiting = new Map<number, (tokens: number | undefined) => void>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let ready = false;
  let last = 0;

  function start(): Worker {
    ready = false;
    const started = new Worker(workerUrl);
    started.unref();
    started.on("message", ({ id, tokens }: Reply) => {
      ready = true;
      waiting.get(id)?.(tokens);
    });
    const gone = () => {
      if (worker === started) worker = undefined;
      for (const answer of waiting.values()) answer(undefined);
    };
    started.on("error", gone);
    started.on("exit", gone);
    return started;
  }

  function stop(): Promise<unknown> {
    clearTimeout(idle);
    const ending = worker;
    worker = undefined;
    return ending?.terminate() ?? Promise.resolve();
  }

  return {
    count(text) {
      if (text.length > LONGEST_TEXT || waiting.size >= MOST_WAITING) return Promise.resolve(undefined);
      worker ??= start();
      const id = (last += 1);
      clearTimeout(idle);
      idle = setTimeout(() => void stop(), IDLE_MS).unref();
      return new Promise((resolve) => {
        const answer = (tokens: number | undefined) => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(tokens);
        };
        const timer = setTimeout(() => answer(undefined), ready ? TIMEOUT_MS : START_TIMEOUT_MS);
        waiting.set(id, answer);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker?.postMessage({ id, text });
      });
    },
    async close() {
      await stop();
    },
  };
}
