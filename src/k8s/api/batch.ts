export interface BatchOptions {
  /** A change is taken up once nothing more came for this long. */
  readonly quietMs: number;
  /** And at the latest so long after it came. */
  readonly longestMs: number;
  /** How long nothing is begun after a run that took so long. */
  restMs(tookMs: number): number;
  /** Never called again before it has settled. It must not reject. `sinceMs`: monotonic time of the first change of the batch. */
  run(sinceMs: number): Promise<void>;
  readonly monotonic: () => number;
}

/** Many changes, one answer to them. */
export interface Batch {
  /** Something changed. */
  mark(): void;
  /** Resolves when nothing is due or under way. */
  idle(): Promise<void>;
  /** Lets go of what is due, and waits for what is under way. */
  close(): Promise<void>;
}

export function createBatch({ quietMs, longestMs, restMs, run, monotonic }: BatchOptions): Batch {
  let notBefore = 0;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let closed = false;
  let waiting: (() => void)[] = [];

  function schedule(): void {
    if (since === undefined || running !== undefined || closed) return;
    clearTimeout(timer);
    const now = monotonic();
    timer = setTimeout(start, Math.max(0, notBefore - now, Math.min(quietMs, since + longestMs - now)));
  }

  function start(): void {
    const from = since ?? monotonic();
    const began = monotonic();
    since = undefined;
    running = run(from).finally(() => {
      running = undefined;
      notBefore = monotonic() + restMs(monotonic() - began);
      if (since !== undefined && !closed) return schedule();
      for (const done of waiting) done();
      waiting = [];
    });
  }

  const idle = (): Promise<void> =>
    running === undefined && (since === undefined || closed)
      ? Promise.resolve()
      : new Promise((resolve) => waiting.push(resolve));
  return {
    mark() {
      if (closed) return;
      since ??= monotonic();
      schedule();
    },
    idle,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
      for (const done of waiting) done();
      waiting = [];
    },
  };
}
