import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LiveBytes } from "./processes/heap-meter.ts";

/* Linux counts CPU in hundredths of a second for programs (proc_pid_stat(5): clock ticks, _SC_CLK_TCK is 100 everywhere today). */
const TICK_US = 10_000;
const READY_TIMEOUT_MS = 30_000;
const heapMeter = ["--expose-gc", "--import", fileURLToPath(new URL("processes/heap-meter.ts", import.meta.url))];

/** A process that is measured or measures. */
export interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  /** The last of what it has printed. */
  output(): string;
  /** User and system time so far, all threads, in microseconds. */
  cpuUs(): number;
  /** Largest resident set so far, in MiB. */
  peakMiB(): number;
  /** Resident set now, in MiB. */
  residentMiB(): number;
  /** What is alive in it after a collection; only of one that was started with `metered`. */
  liveBytes(): Promise<LiveBytes>;
  /** Sockets that are open: its listeners and its parent's channel too. */
  sockets(): number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it will answer; undefined: it prints a JSON line with its `url`. */
  readonly url?: string;
  readonly ipc?: boolean;
  /** Whether it can be asked for its heap. */
  readonly metered?: boolean;
}

/** Starts a Node program and resolves once it answers. */
export async function start(options: StartOptions): Promise<Running> {
  const metered = options.metered === true;
  const withChannel = options.ipc === true || metered;
  const child = spawn(process.execPath, [...(metered ? heapMeter : []), ...options.args], {
    cwd: options.cwd,
    env: { ...process.env, NODE_ENV: "production", ...options.env },
    stdio: ["ignore", "pipe", "pipe", ...(withChannel ? (["ipc"] as const) : [])],
  });
  let output = "";
  const collect = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-16_000));
  child.stderr?.on("data", collect);
  const printed = new Promise<string>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      collect(chunk);
      const url = /"url":"([^"]+)"/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const ended = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${options.args.join(" ")} ended with ${code}:\n${output}`)));
  });
  ended.catch(() => undefined);
  const ready =
    options.ipc === true ? Promise.resolve("") : options.url === undefined ? printed : untilAnswers(options.url);
  const url = await Promise.race([ready, ended]);
  return {
    child,
    url,
    output: () => output,
    cpuUs: () => readCpuUs(child.pid ?? 0),
    peakMiB: () => readMiB(child.pid ?? 0, /VmHWM:\s+(\d+)/),
    residentMiB: () => readMiB(child.pid ?? 0, /VmRSS:\s+(\d+)/),
    async liveBytes() {
      const answer = once(child, "message");
      child.send("live");
      return ((await answer) as [LiveBytes])[0];
    },
    sockets: () => countSockets(child.pid ?? 0),
    stop() {
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 5_000);
      return gone.finally(() => clearTimeout(force));
    },
  };
}

function countSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const isSocket = (fd: string) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith("socket:");
    } catch {
      return false; // closed since
    }
  };
  return readdirSync(folder).filter(isSocket).length;
}

/* The number of KiB behind a name. */
function readMiB(pid: number, line: RegExp): number {
  return Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
}

function readCpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may hold spaces; fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

async function untilAnswers(url: string): Promise<string> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    try {
      await fetch(url, { headers: { connection: "close" } });
      return url;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`${url} did not answer within ${READY_TIMEOUT_MS / 1_000} s`);
}
