import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { loadConfig } from "../../src/config/load.ts";
import { adminTokenFile } from "../../src/gateway/admin-token.ts";
import { sumOfMetric } from "../../src/cli/quickstart-process.ts";

const root = resolve(import.meta.dirname, "../..");

/** `sallyport serve` in a process of its own, with a configuration of the test's. */
export interface ServeProcess {
  readonly url: string;
  readonly healthUrl: string;
  readonly dir: string;
  readonly pid: number;
  /** The exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Everything it wrote so far. */
  output(): string;
  /** Calls the admin API with the operator's token. */
  admin(path: string, init?: RequestInit): Promise<Response>;
  /** The sum of a metric over its labels; `match` narrows to lines that contain it. */
  metric(name: string, match?: string): Promise<number>;
  /** An access token of a client of the embedded server. */
  token(client: string, secret: string): Promise<string>;
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

/** The `listen` of a gateway under test: the console on the next port, health on the one after. */
export const listenOn = (port: number): string =>
  `{port: ${port}, console: {port: ${port + 1}}, health: {host: 127.0.0.1, port: ${port + 2}}}`;

/** Writes the configuration to `dir/sallyport.yaml` and serves it; resolves when it is ready. Its ports are those of `listenOn`. `args` stand after it on the command line. */
export async function startServeProcess(
  dir: string,
  port: number,
  yaml: string,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<ServeProcess> {
  const file = join(dir, "sallyport.yaml");
  writeFileSync(file, yaml);
  const child = spawn(process.execPath, [join(root, "src/main.ts"), "serve", "--config", file, ...args], {
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
  const url = `http://127.0.0.1:${port}`;
  const healthUrl = `http://127.0.0.1:${port + 2}`;
  const adminToken = adminTokenFile(loadConfig(file, { env: { ...process.env, ...env } }));
  return {
    url,
    healthUrl,
    dir,
    pid: child.pid ?? 0,
    ended,
    output: () => output,
    admin: (path, init = {}) => {
      const token = readFileSync(adminToken, "utf8").trim();
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      return fetch(`http://127.0.0.1:${port + 1}${path}`, { ...init, headers });
    },
    metric: (name, match) => sumOfMetric(healthUrl, name, match),
    async token(client, secret) {
      const response = await fetch(`${url}/oauth/token`, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "client_credentials" }),
      });
      const body = (await response.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
      return body.access_token;
    },
    signal: (name) => void child.kill(name),
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
