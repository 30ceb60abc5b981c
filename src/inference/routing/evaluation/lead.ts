import type { Labelled } from "./labelled-file.ts";

/** How much more of the gap one router recovers than another: the difference of their APGR, and where 95 of 100 draws of the rows have it. */
export interface Lead {
  readonly apgr: number;
  readonly low: number;
  readonly high: number;
}

const DRAWS = 400;
/* Any does, as long as it is always the same. */
const SEED = 1;

/** The lead of one router over another on the same rows, by a bootstrap that is the same in every run; undefined where there is no gap. */
export function leadOf(
  rows: readonly Labelled[],
  scores: readonly number[],
  others: readonly number[],
): Lead | undefined {
  const first = toGroups(rows, scores);
  const second = toGroups(rows, others);
  const once = new Uint16Array(rows.length).fill(1);
  const apgr = areaOf(rows, first, once) - areaOf(rows, second, once);
  if (Number.isNaN(apgr)) return undefined;
  const random = createRandom(SEED);
  const times = new Uint16Array(rows.length);
  const drawn: number[] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    times.fill(0);
    for (let row = 0; row < rows.length; row++) times[Math.floor(random() * rows.length)]!++;
    const difference = areaOf(rows, first, times) - areaOf(rows, second, times);
    if (!Number.isNaN(difference)) drawn.push(difference);
  }
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.round(share * (drawn.length - 1))] ?? apgr;
  return { apgr, low: at(0.025), high: at(0.975) };
}

/** Rows by falling score; those of one score are a group. */
interface Groups {
  readonly order: readonly number[];
  /** For each place of `order`, whether the next row has another score. */
  readonly ends: Uint8Array;
}

function toGroups(rows: readonly Labelled[], scores: readonly number[]): Groups {
  const order = rows.map((_, index) => index).toSorted((a, b) => scores[b]! - scores[a]!);
  return {
    order,
    ends: Uint8Array.from(order, (index, place) => (scores[order[place + 1]!] === scores[index] ? 0 : 1)),
  };
}

/* The APGR of a curve over rows that count as often as they were drawn; NaN where the strong model is no better. */
function areaOf(rows: readonly Labelled[], { order, ends }: Groups, times: Uint16Array): number {
  let area = 0;
  let gain = 0;
  let before = 0;
  let width = 0;
  for (let place = 0; place < order.length; place++) {
    const index = order[place]!;
    const count = times[index]!;
    gain += count * (rows[index]!.strong - rows[index]!.weak);
    width += count;
    if (ends[place] === 0) continue;
    area += ((before + gain) / 2) * width;
    before = gain;
    width = 0;
  }
  return gain > 0 ? area / gain / order.length : Number.NaN;
}

/* Mulberry32 (Tommy Ettinger, public domain): numbers from 0 to 1 that a seed fixes. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
