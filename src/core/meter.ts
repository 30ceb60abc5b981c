/** Label values in the order of the metric's label names. */
export type LabelValues = readonly string[];

/** A metric whose labels name things that come and go. */
interface Droppable {
  /** Forgets every series whose first label values are these: nobody is to be told any more of what is gone. */
  drop(labels: LabelValues): void;
}

export interface Counter extends Droppable {
  /** `by` defaults to 1 and is never negative. */
  add(labels: LabelValues, by?: number): void;
}

export interface Gauge extends Droppable {
  set(labels: LabelValues, value: number): void;
  /** `by` may be negative. */
  add(labels: LabelValues, by: number): void;
}

export interface Histogram {
  observe(labels: LabelValues, value: number): void;
}

/**
 * Declares metrics; declaring the same name twice gives the same metric. Names carry no prefix and end in their unit
 * (`_seconds`, `_bytes`, `_total`). Label values are bounded: beyond the cap of a metric, new combinations are counted under `other`.
 */
export interface Meter {
  counter(name: string, help: string, labels: readonly string[]): Counter;
  gauge(name: string, help: string, labels: readonly string[]): Gauge;
  /** `buckets`: upper bounds, ascending. */
  histogram(name: string, help: string, labels: readonly string[], buckets: readonly number[]): Histogram;
}
