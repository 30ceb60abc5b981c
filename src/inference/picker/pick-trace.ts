import type { PickExplanation } from "./explanation.ts";
import type { Scene } from "./scene.ts";

/** What a profile is made of, by name and in order. */
export interface TraceNames {
  readonly filters: readonly string[];
  readonly scorers: readonly { readonly name: string; readonly weight: number }[];
}

/**
 * Everything that spoke for or against each endpoint, in flat arrays: it is taken of every pick, so it must cost little (5 µs for 100 endpoints
 * and a scorer; objects cost 50).
 */
export class PickTrace {
  readonly names: TraceNames;
  readonly count: number;
  /** Slot of each endpoint that was in question. */
  readonly slots: Int32Array;
  /** Place of the filter that took it out; -1: none did. Such an endpoint has no scores. */
  readonly filteredBy: Int8Array;
  /** Tokens of the prompt that it most likely has in its cache. */
  readonly cached: Int32Array;
  /** Own requests under way before this one. */
  readonly requests: Int32Array;
  /** Scores from 0 to 1: of each endpoint those of all scorers together. */
  readonly scores: Float64Array;

  /** Taken before the first filter. */
  constructor({ candidates, count, matched, endpoints }: Scene, names: TraceNames) {
    this.names = names;
    this.count = count;
    this.slots = candidates.slice(0, count);
    this.filteredBy = new Int8Array(count).fill(-1);
    this.cached = new Int32Array(count);
    this.requests = new Int32Array(count);
    this.scores = new Float64Array(count * names.scorers.length);
    for (let at = 0; at < count; at++) {
      const slot = this.slots[at]!;
      this.cached[at] = matched[slot]!;
      this.requests[at] = endpoints.requests[slot]!;
    }
  }

  /** After a filter: what is in question still. Filters keep the order. */
  filtered(filter: number, { candidates, count }: Scene): void {
    for (let at = 0, left = 0; at < this.count; at++) {
      if (left < count && candidates[left] === this.slots[at]) left++;
      else if (this.filteredBy[at] === -1) this.filteredBy[at] = filter;
    }
  }

  /** After a scorer: what it gave those in question. */
  scored(scorer: number, scores: Float64Array): void {
    const { length } = this.names.scorers;
    for (let at = 0, left = 0; at < this.count; at++)
      if (this.filteredBy[at] === -1) this.scores[at * length + scorer] = Math.min(1, Math.max(0, scores[left++]!));
  }

  /** The same in words. */
  explain(picked: string, addresses: readonly (string | undefined)[]): PickExplanation {
    const { filters, scorers } = this.names;
    const all = Array.from({ length: this.count }, (_, at) => {
      const filter = filters[this.filteredBy[at]!];
      const own = filter === undefined ? scorers : [];
      const score = (index: number) => this.scores[at * scorers.length + index]!;
      return {
        address: addresses[this.slots[at]!]!,
        ...(filter !== undefined && { filteredBy: filter }),
        scores: Object.fromEntries(own.map(({ name, weight }, index) => [name, { score: score(index), weight }])),
        total: own.reduce((sum, { weight }, index) => sum + score(index) * weight, 0),
        cachedTokens: this.cached[at]!,
        requests: this.requests[at]!,
      };
    });
    return { picked, endpoints: all };
  }
}
