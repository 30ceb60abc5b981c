import { setTimeout as wait } from "node:timers/promises";

/** Every delay of a reflector, in milliseconds: for tests, which do not wait so long. */
export interface Pace {
  /** Before the first try after a failure; each further one takes twice as long, up to the last. */
  readonly firstBackOffMs: number;
  readonly lastBackOffMs: number;
  /** How long the server is asked to keep a watch open: between the two, so that not all of them end at one time. */
  readonly watchMs: readonly [number, number];
  /**
   * How long a watch may be silent before its connection counts as lost: between the two. A server sends a bookmark each minute, but
   * promises none (apiserver, cacher.go): where it sends none, this is how often a quiet watch is begun again from where it was.
   */
  readonly silenceMs: readonly [number, number];
  /** A watch that ends sooner, with nothing in it, is not begun again at once. */
  readonly shortWatchMs: number;
  /** How often a kind that is not installed, or that may not be read, is asked for again. */
  readonly recheckMs: number;
  /** How long a kind that was never read may fail, while the server answers otherwise, before it counts as unknown. */
  readonly unknownAfterMs: number;
  /** Between the beginnings of two writes of statuses: with it a thousand new routes are told theirs within some ten seconds. */
  readonly writeGapMs: number;
  /** How long a status is left alone that somebody else writes against this gateway. */
  readonly contestedMs: number;
}

export const defaultPace: Pace = {
  firstBackOffMs: 100,
  lastBackOffMs: 10_000,
  watchMs: [120_000, 240_000],
  silenceMs: [75_000, 90_000],
  shortWatchMs: 1_000,
  recheckMs: 30_000,
  unknownAfterMs: 10_000,
  writeGapMs: 10,
  contestedMs: 300_000,
};

/** Somewhere between the two. */
export const between = ([least, most]: readonly [number, number]): number => least + Math.random() * (most - least);

/** Between one and one and a half times `ms`: replicas that failed together do not come back together. */
export const jittered = (ms: number): number => ms * (1 + Math.random() / 2);

/** The wait before try number `failures`, which counts from 1. */
export const backOffMs = ({ firstBackOffMs, lastBackOffMs }: Pace, failures: number): number =>
  jittered(Math.min(firstBackOffMs * 2 ** Math.min(failures - 1, 20), lastBackOffMs));

/** Waits unless the signal aborts; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
