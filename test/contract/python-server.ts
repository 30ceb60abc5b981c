import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../free-port.ts";

/** A server that comes as a Python package. */
export interface PythonServer {
  /** What must be importable. */
  readonly module: string;
  /** The line that installs it. */
  readonly install: string;
  /** Python that reads `args` as its command line. */
  readonly program: string;
  readonly args: (port: number, dir: string) => readonly string[];
}

export interface RunningPython {
  readonly port: number;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const TRY_EVERY_MS = 100;

const canImport = (python: string, module: string): boolean =>
  spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;

/** Starts the server, with files of its own, on a port of its own; or says what is missing. The interpreter is `PYTHON`, or python3. */
export async function startPythonServer(server: PythonServer): Promise<RunningPython | string> {
  const named = process.env["PYTHON"];
  const python = (named === undefined ? ["python3", "python"] : [named]).find((each) => canImport(each, server.module));
  if (python === undefined)
    return `needs the Python package ${server.module}; install it (${server.install}) and name its interpreter in PYTHON if that is not python3`;
  const dir = mkdtempSync(join(tmpdir(), "sallyport-python-"));
  const port = await freePort();
  const child = spawn(python, ["-c", server.program, ...server.args(port, dir)], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const listen = (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000));
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(dir, { recursive: true, force: true });
  };
  for (let waited = 0; waited < START_LIMIT_MS; waited += TRY_EVERY_MS) {
    if (child.exitCode !== null) break;
    if (await isListening(port)) return { port, stop };
    await wait(TRY_EVERY_MS);
  }
  await stop();
  return `${server.module} did not start:\n${said}`;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
