import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { McpServerConfig } from "../config.ts";
import { MESSAGE_LIMIT_BYTES } from "./endpoint.ts";

const LF = 0x0a;
const STDERR_LINE_LIMIT = 2_000;
/** Lines of stderr logged per process: a server that writes without end must not fill the log. */
const STDERR_LINES = 1_000;
const KILL_AFTER_MS = 2_000;

/** A running stdio server: newline-delimited messages both ways (2025-11-25, stdio). */
export interface Child {
  /** Rejects when the process is gone. */
  write(message: Buffer): Promise<void>;
  /** Closes stdin, then kills what does not end by itself. */
  close(): Promise<void>;
}

export interface ChildOptions {
  readonly server: string;
  readonly config: McpServerConfig;
  readonly log: Log;
  readonly onLine: (line: Buffer) => void;
  /** Called once, however the process ended. */
  readonly onExit: (reason: string) => void;
}

/** Starts a server's process. Its command comes from the configuration alone; nothing of a request reaches it. */
export function startChild({ server, config, log, onLine, onExit }: ChildOptions): Child {
  const [program, ...args] = config.command!;
  const env: Record<string, string> = {};
  for (const name of ["PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT"])
    if (process.env[name] !== undefined) env[name] = process.env[name];
  /* `node` is the gateway's own runtime: the one found on PATH may be too old to run what runs here. */
  const child = spawn(program === "node" ? process.execPath : program!, args, {
    stdio: "pipe",
    env: { ...env, ...config.env },
    ...(config.cwd === undefined ? {} : { cwd: config.cwd }),
  });
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const end = (reason: string) => {
      if (ended) return;
      ended = true;
      onExit(reason);
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  readLines(child, onLine, () => child.kill("SIGKILL"));
  logStderr(child, log.child({ mcp_server: server }));
  child.stdin.on("error", () => {});

  return {
    write: (message) =>
      new Promise((resolve, reject) => {
        const fail = (cause: unknown) =>
          reject(new GatewayError("upstream_unavailable", `MCP server ${server} is not running.`, { cause }));
        if (ended || !child.stdin.writable) return fail(new Error("process has ended"));
        child.stdin.write(Buffer.concat([oneLine(message), Buffer.from("\n")]), (error) =>
          error ? fail(error) : resolve(),
        );
      }),
    async close() {
      if (ended) return;
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
      child.kill("SIGTERM");
      await gone;
      clearTimeout(timer);
    },
  };
}

/* A line break in valid JSON stands between tokens only. */
function oneLine(message: Buffer): Buffer {
  return message.includes(LF) ? Buffer.from(message.toString("utf8").replaceAll(/[\r\n]+/g, " ")) : message;
}

function readLines(child: ChildProcessWithoutNullStreams, onLine: (line: Buffer) => void, onTooLong: () => void): void {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    let at = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, at)) {
      const piece = chunk.subarray(at, end);
      onLine(pending.length === 0 ? piece : Buffer.concat([...pending, piece]));
      pending = [];
      pendingBytes = 0;
      at = end + 1;
    }
    if (at === chunk.length) return;
    pending.push(chunk.subarray(at));
    pendingBytes += chunk.length - at;
    if (pendingBytes > MESSAGE_LIMIT_BYTES) onTooLong();
  });
}

function logStderr(child: ChildProcessWithoutNullStreams, log: Log): void {
  let lines = 0;
  let rest = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (lines >= STDERR_LINES) return;
    const parts = (rest + chunk.toString("utf8")).split("\n");
    rest = (parts.pop() ?? "").slice(0, STDERR_LINE_LIMIT);
    for (const line of parts) {
      lines += 1;
      if (lines > STDERR_LINES) return;
      if (line.trim() !== "") log.info({ line: line.slice(0, STDERR_LINE_LIMIT) }, "mcp server stderr");
    }
  });
}
