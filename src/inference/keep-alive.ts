export interface KeepAlive {
  /** Something was sent; the silence starts anew. */
  touch(): void;
  stop(): void;
}

/** Calls `beat` after each `intervalMs` of silence. */
export function createKeepAlive(intervalMs: number, beat: () => void): KeepAlive {
  const timer = setInterval(beat, intervalMs);
  return {
    touch: () => void timer.refresh(),
    stop: () => clearInterval(timer),
  };
}
