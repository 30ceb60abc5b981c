import { messageOf } from "./api.ts";
import { createCell } from "./cell.ts";

/** Whether events arrive: `connecting` also stands for between two attempts, `refused` for those of which the gateway said why. */
export const liveState = createCell<"connecting" | "live" | "paused" | "refused">("connecting");

/** Why the gateway lets this page not look on, while it does not. */
export const liveRefusal = createCell("");

type Listener = (data: unknown) => void;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * The gateway's stream of events, opened when somebody listens and while the page is in view. The browser comes back by itself after a
 * cut connection; after an answer that is no stream it gives up, and then this comes back, ever more slowly.
 */
export function createLive(path: string): { on(event: string, listener: Listener): () => void } {
  const listeners = new Map<string, Set<Listener>>();
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = FIRST_WAIT_MS;

  const hear = (event: MessageEvent<string>): void => {
    for (const listener of listeners.get(event.type) ?? []) listener(JSON.parse(event.data));
  };

  function open(): void {
    clearTimeout(timer);
    source?.close();
    source = undefined;
    if (listeners.size === 0 || document.visibilityState === "hidden") return liveState.set("paused");
    tryAgain();
    source = new EventSource(path);
    for (const name of listeners.keys()) source.addEventListener(name, hear);
    source.addEventListener("open", () => {
      waitMs = FIRST_WAIT_MS;
      liveState.set("live");
    });
    source.addEventListener("error", () => {
      tryAgain();
      if (source?.readyState !== EventSource.CLOSED) return;
      void tellWhy(source);
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    });
  }
  document.addEventListener("visibilitychange", open);

  /** Who was refused reads why until it is otherwise, and not every other second. */
  function tryAgain(): void {
    if (liveState.get() !== "refused") liveState.set("connecting");
  }

  async function tellWhy(refused: EventSource): Promise<void> {
    const reason = await refusalOf(path);
    if (source !== refused) return;
    if (reason !== undefined) liveRefusal.set(reason);
    liveState.set(reason === undefined ? "connecting" : "refused");
  }

  return {
    on(event, listener) {
      const known = listeners.get(event);
      if (known === undefined) {
        listeners.set(event, new Set([listener]));
        if (source === undefined) open();
        else source.addEventListener(event, hear);
      } else known.add(listener);
      return () => {
        const left = listeners.get(event);
        left?.delete(listener);
        if (left?.size !== 0) return;
        listeners.delete(event);
        source?.removeEventListener(event, hear);
        if (listeners.size === 0) open();
      };
    },
  };
}

/** What is said to who asks for a stream: the browser tells a page nothing of it. Undefined: it would be let in, signs in first, or nobody answers. */
async function refusalOf(path: string): Promise<string | undefined> {
  const enough = new AbortController();
  try {
    const response = await fetch(path, { signal: enough.signal });
    return response.ok || response.status === 401 ? undefined : await messageOf(response);
  } catch {
    return undefined;
  } finally {
    enough.abort();
  }
}
