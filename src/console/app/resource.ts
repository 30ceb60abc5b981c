import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, ask } from "./api.ts";

/** What is known of an address of the API: an answer may be shown while the next one is under way. */
export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
  reload(): void;
}

/* The last answers, so that a page one comes back to is there at once. */
const MOST_KEPT = 40;
const kept = new Map<string, unknown>();

export function keep(path: string, data: unknown): void {
  kept.delete(path);
  kept.set(path, data);
  if (kept.size > MOST_KEPT) for (const oldest of kept.keys()) return void kept.delete(oldest);
}

/** Forgets every answer: another person may be signed in. */
export const forget = (): void => kept.clear();

interface Options {
  /** Asked again so often while the page is in view, and when it comes into view; 0: only once. */
  readonly everyMs?: number;
}

/** Asks the API for `path` and keeps the answer fresh. Undefined asks nothing. */
export function useResource<T>(path: string | undefined, { everyMs = 0 }: Options = {}): Resource<T> {
  const [, draw] = useState(0);
  const [turn, setTurn] = useState(0);
  const state = useRef<{ path: string | undefined; error: ApiError | undefined; loading: boolean }>({
    path: undefined,
    error: undefined,
    loading: true,
  });
  if (state.current.path !== path) state.current = { path, error: undefined, loading: path !== undefined };

  useEffect(() => {
    if (path === undefined) return;
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function load(address: string): Promise<void> {
      clearTimeout(timer);
      try {
        keep(address, await ask<T>(address, { signal: stopped.signal }));
        state.current = { path, error: undefined, loading: false };
      } catch (thrown) {
        if (stopped.signal.aborted) return;
        const error = thrown instanceof ApiError ? thrown : new ApiError("broken", String(thrown));
        state.current = { path, error, loading: false };
      }
      if (stopped.signal.aborted) return;
      draw((times) => times + 1);
      if (everyMs > 0) timer = setTimeout(() => void again(), everyMs);
    }
    const again = (): void => void (document.visibilityState === "visible" && load(path));
    void load(path);
    if (everyMs > 0) document.addEventListener("visibilitychange", again);
    return () => {
      stopped.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again);
    };
  }, [path, everyMs, turn]);

  return {
    data: path === undefined ? undefined : (kept.get(path) as T | undefined),
    error: state.current.error,
    loading: state.current.loading,
    reload: () => setTurn((turns) => turns + 1),
  };
}
