import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Meter } from "../core/meter.ts";
import { createLabelCells, type LabelCells } from "./label-cells.ts";

const PREFIX = "sallyport_";

interface NumberCell {
  value: number;
}

interface HistogramCell {
  /** One count a bucket, not yet summed up, and one for what is beyond the last bound. */
  readonly counts: Float64Array;
  sum: number;
}

interface HistogramConfiguration {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
  readonly buckets: number[];
}

/** A histogram whose numbers are kept in cells and laid out only when the page is rendered. */
class CellHistogram extends Histogram {
  readonly #cells: LabelCells<HistogramCell>;
  readonly #configuration: HistogramConfiguration;

  constructor(configuration: HistogramConfiguration, cells: LabelCells<HistogramCell>) {
    super(configuration);
    this.#configuration = configuration;
    this.#cells = cells;
  }

  /* What the registry asks for; prom-client's own would read its own numbers. */
  getForPromString() {
    const { name, help, buckets } = this.#configuration;
    const values = this.#cells.all.flatMap(({ labels, cell }) => {
      let total = 0;
      const bounds = [...buckets, "+Inf"].map((le, at) => {
        total += cell.counts[at] ?? 0;
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total };
      });
      return [
        ...bounds,
        { metricName: `${name}_sum`, labels, value: cell.sum },
        { metricName: `${name}_count`, labels, value: total },
      ];
    });
    return Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values });
  }
}

/**
 * A meter over a Prometheus registry. Names get the prefix `sallyport_`. Counting adds to a plain number; prom-client, which hashes
 * the labels at every increment, sees the numbers when somebody scrapes them.
 */
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
    registers: [],
  });
  const numbers = (labels: readonly string[]) => createLabelCells<NumberCell>(labels, () => ({ value: 0 }));

  return {
    counter: (name, help, labels) =>
      once(name, `counter ${labels.join()}`, () => {
        const cells = numbers(labels);
        const counter = new Counter({
          ...configuration(name, help, labels),
          collect() {
            this.reset();
            for (const { labels: at, cell } of cells.all) this.inc(at, cell.value);
          },
        });
        registry.registerMetric(counter);
        return {
          add(values, by = 1) {
            if (!(by >= 0)) throw new RangeError(`counter ${name} cannot go down`);
            cells.at(values).value += by;
          },
          drop: cells.drop,
        };
      }),
    gauge: (name, help, labels) =>
      once(name, `gauge ${labels.join()}`, () => {
        const cells = numbers(labels);
        const gauge = new Gauge({
          ...configuration(name, help, labels),
          collect() {
            this.reset();
            for (const { labels: at, cell } of cells.all) this.set(at, cell.value);
          },
        });
        registry.registerMetric(gauge);
        return {
          set: (values, value) => void (cells.at(values).value = value),
          add: (values, by) => void (cells.at(values).value += by),
          drop: cells.drop,
        };
      }),
    histogram: (name, help, labels, buckets) =>
      once(name, `histogram ${labels.join()} ${buckets.join()}`, () => {
        const cells = createLabelCells<HistogramCell>(labels, () => ({
          counts: new Float64Array(buckets.length + 1),
          sum: 0,
        }));
        const histogram = new CellHistogram({ ...configuration(name, help, labels), buckets: [...buckets] }, cells);
        registry.registerMetric(histogram);
        return {
          observe(values, value) {
            const cell = cells.at(values);
            let at = 0;
            while (at < buckets.length && value > (buckets[at] as number)) at++;
            cell.counts[at] = (cell.counts[at] as number) + 1;
            cell.sum += value;
          },
        };
      }),
  };
}
