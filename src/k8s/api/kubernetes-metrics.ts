import type { Meter } from "../../core/meter.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is counted of a watched API server. A kind is its plural, such as `httproutes`. */
export interface KubernetesMetrics {
  reachable(is: boolean): void;
  listed(kind: string): void;
  /** A watch ended and another one follows, or a list: `end` is why. */
  watchEnded(kind: string, end: "closed" | "expired" | "failed" | "silent"): void;
  /** `atMs`: wall-clock time; undefined: nothing is followed of the kind. */
  heard(kind: string, atMs: number | undefined): void;
  unknown(kind: string, is: boolean): void;
  objects(kind: string, count: number): void;
  translated(seconds: number, result: "applied" | "unchanged" | "refused"): void;
  refusedObjects(count: number): void;
  statusWritten(kind: string, result: "written" | "conflict" | "gone" | "failed"): void;
  writer(is: boolean): void;
}

export function createKubernetesMetrics(meter: Meter): KubernetesMetrics {
  const up = meter.gauge("kubernetes_reachable", "Whether the API server answers: 1 or 0", []);
  const heard = meter.gauge(
    "kubernetes_last_heard_timestamp_seconds",
    "When the API server last said something of a kind: of all that is followed of it, what was heard of longest ago",
    ["kind"],
  );
  const unknown = meter.gauge(
    "kubernetes_unknown",
    "Whether a kind is there, and was never read because that fails or is not allowed: 1 or 0",
    ["kind"],
  );
  const lists = meter.counter("kubernetes_lists_total", "Times all objects of a kind were read", ["kind"]);
  const ends = meter.counter(
    "kubernetes_watches_ended_total",
    "Watches that ended and were begun again, by why they ended",
    ["kind", "end"],
  );
  const objects = meter.gauge("kubernetes_objects", "Objects that are known, by kind", ["kind"]);
  const translations = meter.histogram(
    "kubernetes_translation_seconds",
    "From the first change of a batch until it is in force",
    ["result"],
    SECONDS,
  );
  const refused = meter.gauge("kubernetes_refused_objects", "Objects that cannot be honoured", []);
  const writes = meter.counter("kubernetes_status_writes_total", "Attempts to write a status", ["kind", "result"]);
  const writer = meter.gauge("kubernetes_status_writer", "Whether this replica writes statuses: 1 or 0", []);
  return {
    reachable: (is) => up.set([], is ? 1 : 0),
    listed: (kind) => lists.add([kind]),
    watchEnded: (kind, end) => ends.add([kind, end]),
    heard: (kind, atMs) => (atMs === undefined ? heard.drop([kind]) : heard.set([kind], atMs / 1_000)),
    unknown: (kind, is) => unknown.set([kind], is ? 1 : 0),
    objects: (kind, count) => objects.set([kind], count),
    translated: (seconds, result) => translations.observe([result], seconds),
    refusedObjects: (count) => refused.set([], count),
    statusWritten: (kind, result) => writes.add([kind, result]),
    writer: (is) => writer.set([], is ? 1 : 0),
  };
}
