/*
 * What happened in stretches of equal length, in numbers: a row a stretch, and the oldest row is written over. Of times there are counts in
 * bins whose bounds grow by a fifth, from 0.1 ms to ten minutes.
 */

/** Places in a row. */
export const place = {
  calls: 0,
  ok: 1,
  denied: 2,
  limited: 3,
  failed: 4,
  aborted: 5,
  inputTokens: 6,
  outputTokens: 7,
  costNanos: 8,
  cacheHits: 9,
  /** From here on one for each protocol. */
  protocols: 10,
} as const;

const MOST_PROTOCOLS = 6;
const BINS_AT = place.protocols + MOST_PROTOCOLS;
const BINS = 88;
const ROW = BINS_AT + BINS;
const FIRST_MS = 0.1;
const GROWTH = 1.2;
const PER_LOG = 1 / Math.log(GROWTH);

export type Row = Float64Array;
export const createRow = (): Row => new Float64Array(ROW);

/** The place in a row where such a time is counted. */
export const timePlace = (ms: number): number =>
  BINS_AT + (ms <= FIRST_MS ? 0 : Math.min(BINS - 1, 1 + Math.floor(Math.log(ms / FIRST_MS) * PER_LOG)));

export function addRow(sum: Row, row: Row): void {
  for (let at = 0; at < ROW; at++) sum[at]! += row[at]!;
}

/** The time within which this share had ended, a tenth off at most; null where there was none. */
export function quantile(row: Row, share: number): number | null {
  let all = 0;
  for (let bin = 0; bin < BINS; bin++) all += row[BINS_AT + bin]!;
  if (all === 0) return null;
  let left = Math.ceil(all * share);
  for (let bin = 0; bin < BINS; bin++) {
    left -= row[BINS_AT + bin]!;
    if (left <= 0) return FIRST_MS * GROWTH ** (bin - 0.5);
  }
  return null;
}

/** The last `count` stretches of `stretchMs`, in fixed memory. */
export class TrafficRing {
  readonly stretchMs: number;
  readonly #rows: readonly Row[];
  /** Which stretch a row is of. */
  readonly #stretches: Float64Array;
  #newest = -1;

  constructor(stretchMs: number, count: number) {
    this.stretchMs = stretchMs;
    this.#rows = Array.from({ length: count }, createRow);
    this.#stretches = new Float64Array(count).fill(-1);
  }

  /** The row of the stretch that holds this instant; of one that is long gone, the newest. */
  at(ms: number): Row {
    const stretch = Math.max(Math.floor(ms / this.stretchMs), this.#newest - this.#rows.length + 1);
    const slot = stretch % this.#rows.length;
    const row = this.#rows[slot]!;
    if (this.#stretches[slot] !== stretch) {
      row.fill(0);
      this.#stretches[slot] = stretch;
      if (stretch > this.#newest) this.#newest = stretch;
    }
    return row;
  }

  /** Adds to `sum` the stretches that begin in this time. */
  sum(sum: Row, fromMs: number, toMs: number): void {
    const last = Math.ceil(toMs / this.stretchMs);
    for (let stretch = Math.ceil(fromMs / this.stretchMs); stretch < last; stretch++) {
      const slot = stretch % this.#rows.length;
      if (this.#stretches[slot] === stretch) addRow(sum, this.#rows[slot]!);
    }
  }
}
