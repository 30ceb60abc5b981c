import { cpus } from "node:os";

/** One contestant in one round. */
export interface Sample {
  /** CPU a request, in microseconds. */
  readonly cpuUs: number;
  /** Under load from all connections, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** One request at a time, to the last byte and to the first of the body. */
  readonly aloneP50Ms: number;
  readonly aloneFirstByteMs: number;
}

export interface Row {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly peakMiB: number;
}

export interface Report {
  readonly scenario: string;
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly requests: number;
  readonly connections: number;
  /** Events of a streamed answer. */
  readonly events: number | undefined;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** A table of medians over the rounds. */
export function printReport({ scenario, rows, rounds, requests, connections, events }: Report): void {
  console.log(
    `${scenario}: ${rounds} rounds of ${requests} requests on ${connections} connections, interleaved; medians; every answer checked`,
  );
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
  const head = ["", "CPU µs/request", "p50 ms", "p99 ms", "alone p50 ms", "alone first byte ms", "peak MiB"];
  if (events !== undefined) head.splice(2, 0, "CPU µs/event");
  const table = [head, ...rows.map((row) => toCells(row, events))];
  printTable(table);
}

/** Rows of cells, the first row their heads; the first column to the left, the others to the right. */
export function printTable(table: readonly (readonly string[])[]): void {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => (cells[column] ?? "").length)));
  for (const cells of table)
    console.log(
      cells
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    );
  console.log();
}

function toCells({ name, samples, peakMiB }: Row, events: number | undefined): string[] {
  const of = (pick: (sample: Sample) => number) => median(samples.map(pick));
  const cpu = of(({ cpuUs }) => cpuUs);
  const cells = [
    name,
    cpu.toFixed(0),
    of(({ p50Ms }) => p50Ms).toFixed(2),
    of(({ p99Ms }) => p99Ms).toFixed(2),
    of(({ aloneP50Ms }) => aloneP50Ms).toFixed(2),
    of(({ aloneFirstByteMs }) => aloneFirstByteMs).toFixed(2),
    peakMiB.toFixed(0),
  ];
  if (events !== undefined) cells.splice(2, 0, (cpu / events).toFixed(2));
  return cells;
}
