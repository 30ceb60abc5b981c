import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { checkout, program } from "./quickstart-place.ts";

/** The quickstart in a process of its own, as `npm start` runs it, on free ports and with a folder of its own. */
export interface QuickstartProcess {
  readonly url: string;
  readonly adminUrl: string;
  readonly healthUrl: string;
  readonly dataDir: string;
  readonly pid: number;
  /** The address of one of its samples: such as clock, notes, writer, researcher or model. */
  sample(name: string): string;
  /** Everything it wrote so far, standard output and standard error. */
  output(): string;
  /** An access token of one of the generated clients. */
  token(client?: string, parameters?: Readonly<Record<string, string>>): Promise<string>;
  admin(path: string, init?: RequestInit): Promise<Response>;
  /** The sum of a metric over its labels; `match` narrows to lines that contain it. */
  metric(name: string, match?: string): Promise<number>;
  /** SIGKILL, as a crash would be; the data folder stays. */
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

export interface QuickstartProcessOptions {
  readonly dataDir?: string;
  readonly port?: number;
  /** A configuration over the samples, in place of the quickstart's own. */
  readonly config?: string;
}

export async function startQuickstartProcess(options: QuickstartProcessOptions = {}): Promise<QuickstartProcess> {
  const port = options.port ?? (await freePorts());
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "sallyport-"));
  const place = ["--port", `${port}`, "--data", dataDir];
  const config = options.config === undefined ? [] : ["--config", options.config];
  const child = spawn(process.execPath, [program, "serve", "--quickstart", ...place, ...config], {
    cwd: checkout,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const url = `http://127.0.0.1:${port}`;
  const healthUrl = `http://127.0.0.1:${port + 2}`;
  const adminUrl = `http://127.0.0.1:${port + 1}`;
  for (let tries = 0; !output.includes("Sallyport is ready"); tries++) {
    if (child.exitCode !== null || tries > 300) {
      child.kill("SIGKILL");
      throw new Error(`the quickstart did not become ready:\n${output}`);
    }
    await delay(100);
  }
  return {
    url,
    adminUrl,
    healthUrl,
    dataDir,
    pid: child.pid ?? 0,
    output: () => output,
    sample(name) {
      const address = new RegExp(`sample ${name} +(\\S+)`).exec(output)?.[1];
      if (address === undefined) throw new Error(`no sample ${name} in:\n${output}`);
      return address.replace(/\/$/, "");
    },
    async token(client = "quickstart", parameters = {}) {
      const credentials = readFileSync(join(dataDir, `${client}-client`), "utf8").trim();
      const response = await fetch(`${url}/oauth/token`, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "client_credentials", ...parameters }),
      });
      const body = (await response.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
      return body.access_token;
    },
    admin: (path, init = {}) =>
      fetch(`${adminUrl}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${readFileSync(join(dataDir, "admin-token"), "utf8").trim()}`,
          "content-type": "application/json",
        },
      }),
    metric: (name, match) => sumOfMetric(healthUrl, name, match),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}

/** The sum of a metric over its labels, as the health address of a gateway tells it; `match` narrows to lines that contain it. */
export async function sumOfMetric(healthUrl: string, name: string, match = ""): Promise<number> {
  const text = await (await fetch(`${healthUrl}/metrics`)).text();
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(match));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** The first of three free ports in a row. */
export async function freePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 30_000);
    if ((await Promise.all([first, first + 1, first + 2].map(isFree))).every(Boolean)) return first;
  }
  throw new Error("no three free ports in a row");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
