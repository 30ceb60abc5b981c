import { LightAbortSignal, type AbortSignalLike } from "../core/abort.ts";

/** Lets a send outlive its caller until the gateway knows which task it began: an unowned task could never be reached again. */
export interface CallerHold {
  /** For the call upstream. */
  readonly signal: AbortSignalLike;
  /** The task is known: from now on the call ends with its caller. */
  identified(): void;
  /** Settles with `work`, or rejects with the reason as soon as the caller's signal aborts. */
  race<T>(work: Promise<T>): Promise<T>;
}

/** Calls that have outlived their callers, ended together when the gateway closes. */
export type Orphans = Set<LightAbortSignal>;

/* Beyond this many a send ends with its caller like any other call. */
const maxOrphans = 256;

/** `mustIdentifyMs`: how long a call may outlive its caller; 0: not at all, its task is known. */
export function holdCaller(caller: AbortSignalLike, mustIdentifyMs: number, orphans: Orphans): CallerHold {
  const upstream = new LightAbortSignal();
  let identified = mustIdentifyMs === 0;
  let patience: NodeJS.Timeout | undefined;
  const onAbort = () => {
    if (identified || orphans.size >= maxOrphans) upstream.abort(caller.reason);
    else {
      orphans.add(upstream);
      patience = setTimeout(() => upstream.abort(caller.reason), mustIdentifyMs);
    }
  };
  if (caller.aborted) upstream.abort(caller.reason);
  else caller.addEventListener("abort", onAbort, { once: true });
  return {
    signal: upstream,
    identified() {
      identified = true;
      if (caller.aborted) upstream.abort(caller.reason);
    },
    race(work) {
      return new Promise((resolve, reject) => {
        const onGone = () => reject(caller.reason);
        if (caller.aborted) onGone();
        else caller.addEventListener("abort", onGone, { once: true });
        work.then(resolve, reject).finally(() => {
          caller.removeEventListener("abort", onAbort);
          caller.removeEventListener("abort", onGone);
          orphans.delete(upstream);
          clearTimeout(patience);
        });
      });
    },
  };
}
