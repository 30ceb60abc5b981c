import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A gateway in a process of its own, with a configuration of the suite's. */
export interface GatewayProcess {
  readonly url: string;
  stop(): Promise<void>;
}

export interface GatewayProcessOptions {
  /** YAML without addresses, policies and state. */
  readonly config: string;
  /** The items of a policy file's `rules`. */
  readonly rules: string;
  /** Answers with 200 once the gateway is up. */
  readonly readyPath: string;
}

/** Starts it on free ports, with a folder of its own that `stop` removes. */
export async function startGatewayProcess({
  config,
  rules,
  readyPath,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  const [port, consolePort, healthPort] = await freePorts(3);
  const url = `http://127.0.0.1:${port}`;
  const file = join(directory, "sallyport.yaml");
  const listen = `{port: ${port}, console: {port: ${consolePort}}, health: {host: 127.0.0.1, port: ${healthPort}}}`;
  writeFileSync(file, `publicUrl: ${url}\nlisten: ${listen}\n${config}\npolicies: ./policies\nstate: ./state.db\n`);
  mkdirSync(join(directory, "policies"));
  writeFileSync(join(directory, "policies", "rules.yaml"), `rules:\n${rules.replaceAll(/^/gm, "  ")}\n`);

  const child = spawn(process.execPath, ["src/main.ts", "serve", "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 150 && child.exitCode === null; attempt++) {
    const response = await fetch(url + readyPath).catch(() => undefined);
    if (response?.ok === true) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await stop();
  throw new Error(`the gateway did not start:\n${output}`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
