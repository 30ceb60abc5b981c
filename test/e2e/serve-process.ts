import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const root = resolve(import.meta.dirname, "../..");

/** `sallyport serve` in a process of its own, with a configuration of the test's. */
export interface ServeProcess {
  readonly url: string;
  readonly dir: string;
  /** Everything it wrote so far. */
  output(): string;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

/** Writes the configuration to `dir/sallyport.yaml` and serves it; resolves when it is ready. */
export async function startServeProcess(
  dir: string,
  port: number,
  yaml: string,
  env: Record<string, string> = {},
): Promise<ServeProcess> {
  const file = join(dir, "sallyport.yaml");
  writeFileSync(file, yaml);
  const child = spawn(process.execPath, [join(root, "src/main.ts"), "serve", "--config", file], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  for (let tries = 0; !output.includes('"message":"ready"'); tries++) {
    if (child.exitCode !== null || tries > 300) {
      child.kill("SIGKILL");
      throw new Error(`the gateway did not become ready:\n${output}`);
    }
    await delay(100);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    dir,
    output: () => output,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
