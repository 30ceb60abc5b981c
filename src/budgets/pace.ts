/** How a counter stood at some moment. */
interface Reading {
  readonly atMs: number;
  readonly used: number;
  readonly endsMs: number;
}

/** Two moments of a counter's window, to know how fast it goes by. */
export interface Readings {
  readonly earlier: Reading;
  readonly later: Reading;
}

/* So far two readings are apart, and so old the later one may become before it counts as the earlier. */
const APART_MS = 120_000;
/* What was used within a shorter time is one call rather than a pace. */
const LEAST_MS = 60_000;

/** Takes note of how a counter stands; the readings to keep in place of those there were. */
export function noteReading(known: Readings | undefined, atMs: number, used: number, endsMs: number): Readings {
  if (known !== undefined && known.later.endsMs === endsMs && atMs - known.later.atMs < APART_MS) return known;
  const later = { atMs, used, endsMs };
  return { earlier: known !== undefined && known.later.endsMs === endsMs ? known.later : later, later };
}

/** What goes each millisecond, of late; 0 where nobody looked a while ago in the same window. */
export function lastPace(known: Readings | undefined, { atMs, used, endsMs }: Reading): number {
  let fastest = 0;
  for (const before of known === undefined ? [] : [known.earlier, known.later])
    if (before.endsMs === endsMs && atMs - before.atMs >= LEAST_MS)
      fastest = Math.max(fastest, (used - before.used) / (atMs - before.atMs));
  return fastest;
}
