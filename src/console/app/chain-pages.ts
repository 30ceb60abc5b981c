import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ChainList, ChainRow } from "../api/chains.ts";
import { ApiError, ask } from "./api.ts";
import { onTick } from "./live-events.ts";
import { mergeRows } from "./merge-rows.ts";

/* The first page is asked for again and again, further ones only where somebody goes on. */
const FIRST = 100;
const FURTHER = 500;
/* Calls may come in hundreds a second: the list is asked for anew so often at most. */
const REFRESH_MS = 2_000;

/** The pages of a list of chains that have been read so far, as one. */
export interface ChainPages {
  readonly rows: readonly ChainRow[];
  readonly list: ChainList | undefined;
  readonly error: ApiError | undefined;
  /** Chains that have begun since and wait above the first row. */
  readonly waiting: number;
  more(): void;
  /** Shows those that wait. */
  show(): void;
  /** While the reader is in the list nothing moves under them. */
  setBusy(busy: boolean): void;
  reload(): void;
}

interface Known {
  readonly rows: readonly ChainRow[];
  readonly list: ChainList | undefined;
  readonly error: ApiError | undefined;
}

const nothing: Known = { rows: [], list: undefined, error: undefined };

/** Reads a list of chains page by page, and keeps its beginning up to date while `live`. */
export function useChainPages(query: string, live: boolean): ChainPages {
  const [known, setKnown] = useState<Known>(nothing);
  const [held, setHeld] = useState<ChainList | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  const state = useRef({ busy: false, loading: false, rows: known.rows, next: known.list?.next });
  state.current.rows = known.rows;
  state.current.next = known.list?.next;

  const load = useCallback(
    async (after: string | undefined, signal?: AbortSignal): Promise<ChainList> =>
      ask<ChainList>(
        `/api/chains?${query}${after === undefined ? `&limit=${FIRST}` : `&limit=${FURTHER}&after=${encodeURIComponent(after)}`}`,
        {
          ...(signal !== undefined && { signal }),
        },
      ),
    [query],
  );
  const failed = (thrown: unknown): void => {
    const error = thrown instanceof ApiError ? thrown : new ApiError("broken", String(thrown));
    setKnown((before) => ({ ...before, error }));
  };

  useEffect(() => {
    const stopped = new AbortController();
    setKnown(nothing);
    setHeld(undefined);
    load(undefined, stopped.signal).then(
      (list) => setKnown({ rows: list.chains, list, error: undefined }),
      (thrown: unknown) => void (stopped.signal.aborted || failed(thrown)),
    );
    return () => stopped.abort();
  }, [load, turn]);

  useEffect(() => {
    if (!live) return;
    const stopped = new AbortController();
    let askedAtMs = Date.now();
    let changed = false;
    const stop = onTick((tick) => {
      changed ||= tick.calls > 0;
      if (!changed || Date.now() - askedAtMs < REFRESH_MS || state.current.loading) return;
      askedAtMs = Date.now();
      changed = false;
      load(undefined, stopped.signal).then(
        (list) => {
          if (state.current.busy) setHeld(list);
          else setKnown((before) => merged(before, list));
        },
        (thrown: unknown) => void (stopped.signal.aborted || failed(thrown)),
      );
    });
    return () => {
      stop();
      stopped.abort();
    };
  }, [load, live, turn]);

  const show = useCallback(() => {
    setHeld(undefined);
    if (held !== undefined) setKnown((before) => merged(before, held));
  }, [held]);

  const more = useCallback(() => {
    const { next, loading } = state.current;
    if (next === undefined || loading) return;
    state.current.loading = true;
    load(next)
      .then(
        (list) => setKnown((before) => ({ rows: appended(before.rows, list.chains), list, error: undefined })),
        failed,
      )
      .finally(() => (state.current.loading = false));
  }, [load]);

  const shown = new Set(known.rows.map(({ chainId }) => chainId));
  return {
    ...known,
    waiting: held?.chains.filter(({ chainId }) => !shown.has(chainId)).length ?? 0,
    more,
    show,
    setBusy: (busy) => (state.current.busy = busy),
    reload: () => setTurn((turns) => turns + 1),
  };
}

/* Where further pages have been read, the place to go on from is theirs. */
function merged(before: Known, list: ChainList): Known {
  const further = before.rows.length > list.chains.length;
  const { next, ...rest } = list;
  const from = further ? before.list?.next : next;
  return {
    rows: mergeRows(before.rows, list.chains),
    list: { ...rest, ...(from !== undefined && { next: from }) },
    error: undefined,
  };
}

/* A chain that went on in between may come twice. */
function appended(rows: readonly ChainRow[], page: readonly ChainRow[]): readonly ChainRow[] {
  const known = new Set(rows.map(({ chainId }) => chainId));
  return [...rows, ...page.filter(({ chainId }) => !known.has(chainId))];
}
