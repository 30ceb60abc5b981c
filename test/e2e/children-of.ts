import { readdirSync, readFileSync } from "node:fs";

/** The processes that a process started and that still run, by their ids in ascending order. Linux. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" "))
    .filter((child) => child !== "")
    .map(Number)
    .toSorted((one, other) => one - other);
}

/** Whether a process still runs; one that ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
