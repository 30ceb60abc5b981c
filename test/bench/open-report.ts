import type { OpenRun } from "./open-streams.ts";
import { median, printTable } from "./report.ts";

const KIB = 1_024;
const MIB = 1_048_576;

/** Every stream read as it comes. The first run is the upstream's own. */
export function printRuns(runs: readonly OpenRun[]): void {
  const [direct] = runs;
  const head = ["", "CPU µs/event", "p50 ms", "p99 ms", "added p50", "added p99"];
  const rows = runs.map((run) => {
    const { name, cpuUs, look } = run;
    const added = (of: "p50Ms" | "p99Ms") => (run === direct ? "" : (look[of] - (direct?.look[of] ?? 0)).toFixed(2));
    return [
      name,
      cpuUs?.toFixed(1) ?? "",
      look.p50Ms.toFixed(2),
      look.p99Ms.toFixed(2),
      added("p50Ms"),
      added("p99Ms"),
      ...endCells(run),
    ];
  });
  printTable([[...head, ...endHead], ...rows]);
}

/** Some callers break off in the middle. */
export function printLeaving(run: OpenRun): void {
  printTable([
    ["", "leave", "upstream sees it after ms", "at the latest", ...endHead],
    [
      run.name,
      String(run.shape.leaving),
      median(run.leaveMs).toFixed(2),
      Math.max(...run.leaveMs).toFixed(2),
      ...endCells(run),
    ],
  ]);
}

/** All callers stop reading what an upstream sends as fast as it can. */
export function printSlow(runs: readonly OpenRun[]): void {
  const rows = runs.map((run) => [
    run.name,
    String(run.shape.stopped),
    run.upstream.floodsWait ? "waits" : "DOES NOT WAIT",
    (run.upstream.floodBytes / run.shape.stopped / KIB).toFixed(0),
    ...endCells(run),
  ]);
  printTable([["", "stop reading", "upstream", "after KiB a stream", ...endHead], ...rows]);
}

const endHead = ["resident MiB before, open, after", "alive MiB", "KiB a stream", "left behind", "whole"];

function endCells(run: OpenRun): string[] {
  const { memory, shape, upstream, result } = run;
  const streams = shape.paced + shape.stopped;
  const whole = `${result.whole}/${streams - shape.leaving}`;
  if (memory === undefined) return ["", "", "", "", whole];
  const [before, during] = memory.liveBytes;
  return [
    memory.residentMiB.map((mib) => mib.toFixed(0)).join(", "),
    memory.liveBytes.map((bytes) => (bytes === undefined ? "?" : (bytes / MIB).toFixed(1))).join(", "),
    during === undefined ? "?" : ((during - before) / streams / KIB).toFixed(1),
    `${upstream.open + memory.sockets}`,
    whole,
  ];
}
