export interface KeepAlive {
  /** Something was sent; the silence starts anew. */
  touch(): void;
  stop(): void;
}

/** Calls `beat` in a silence, after one to two times `intervalMs`: moving a timer for every event of a stream would cost more than the rest. */
export function createKeepAlive(intervalMs: number, beat: () => void): KeepAlive {
  let touched = true;
  const timer = setInterval(() => {
    if (!touched) beat();
    touched = false;
  }, intervalMs);
  return {
    touch() {
      touched = true;
    },
    stop: () => clearInterval(timer),
  };
}
