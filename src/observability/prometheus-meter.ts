import type { Registry } from "prom-client";
import { Counter, Gauge, Histogram } from "prom-client";
import type { LabelValues, Meter } from "../core/meter.ts";

const PREFIX = "sallyport_";
/** Distinct label combinations of one metric; each is memory here and in whatever scrapes it. */
const MAX_COMBINATIONS = 1_000;
const MAX_LABEL_LENGTH = 128;

/** Finds the child of a label combination; the lookup is what a hot path pays. */
function createChildren<C>(labels: readonly string[], create: (values: string[]) => C): (values: LabelValues) => C {
  const children = new Map<string, C>();
  const overflow = labels.map(() => "other");

  function add(key: string, values: readonly string[]): C {
    if (children.size >= MAX_COMBINATIONS && values !== overflow) {
      // Counted together; under a key of their own they would be the memory the cap is there to save.
      const overflowKey = overflow.join("\0");
      return children.get(overflowKey) ?? add(overflowKey, overflow);
    }
    const child = create(
      values.map((value) => (value.length > MAX_LABEL_LENGTH ? value.slice(0, MAX_LABEL_LENGTH) : value)),
    );
    children.set(key, child);
    return child;
  }

  return (values) => {
    if (values.length !== labels.length)
      throw new TypeError(`a metric with labels ${labels.join(", ")} was given ${values.length} values`);
    const key = values.length === 1 ? (values[0] as string) : values.join("\0");
    return children.get(key) ?? add(key, values);
  };
}

/** A meter over a Prometheus registry. Names get the prefix `sallyport_`. */
export function createPrometheusMeter(registry: Registry): Meter {
  const declared = new Map<string, { readonly signature: string; readonly metric: unknown }>();

  /** The same declaration again gives the same metric; another under the same name is a mistake worth a loud end. */
  function once<M>(name: string, signature: string, create: () => M): M {
    const former = declared.get(name);
    if (former !== undefined) {
      if (former.signature !== signature) throw new TypeError(`metric ${name} is declared twice with different shapes`);
      return former.metric as M;
    }
    const metric = create();
    declared.set(name, { signature, metric });
    return metric;
  }

  const configuration = (name: string, help: string, labels: readonly string[]) => ({
    name: PREFIX + name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });

  return {
    counter: (name, help, labels) =>
      once(name, `counter ${labels.join()}`, () => {
        const counter = new Counter(configuration(name, help, labels));
        const child = createChildren(labels, (values) => counter.labels(...values));
        return { add: (values, by) => child(values).inc(by) };
      }),
    gauge: (name, help, labels) =>
      once(name, `gauge ${labels.join()}`, () => {
        const gauge = new Gauge(configuration(name, help, labels));
        const child = createChildren(labels, (values) => gauge.labels(...values));
        return { set: (values, value) => child(values).set(value), add: (values, by) => child(values).inc(by) };
      }),
    histogram: (name, help, labels, buckets) =>
      once(name, `histogram ${labels.join()} ${buckets.join()}`, () => {
        const histogram = new Histogram({ ...configuration(name, help, labels), buckets: [...buckets] });
        const child = createChildren(labels, (values) => histogram.labels(...values));
        return { observe: (values, value) => child(values).observe(value) };
      }),
  };
}
