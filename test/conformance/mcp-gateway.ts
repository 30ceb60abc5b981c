import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const START_TRIES = 150;

/** A gateway in a process of its own with this `mcp` branch; anybody may do everything, because the suite cannot send a token. */
export async function startMcpGateway(
  mcp: unknown,
): Promise<{ readonly origin: string; readonly close: () => Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-conformance-"));
  const [port, consolePort, healthPort] = await freePorts(3);
  const origin = `http://127.0.0.1:${port}`;
  const config = {
    publicUrl: origin,
    listen: { port, console: { port: consolePort }, health: { host: "127.0.0.1", port: healthPort } },
    auth: { embedded: true, anonymous: true },
    mcp,
    policies: "./policies",
    state: join(directory, "state.db"),
  };
  const file = join(directory, "sallyport.yaml");
  writeFileSync(file, JSON.stringify(config));
  mkdirSync(join(directory, "policies"));
  const rule = { name: "the suite may do everything", on: "mcp", allow: "true" };
  writeFileSync(join(directory, "policies", "all.yaml"), JSON.stringify({ rules: [rule] }));
  const child = spawn(process.execPath, ["src/main.ts", "serve", "--config", file], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const close = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  for (let tries = 0; tries < START_TRIES && child.exitCode === null; tries += 1) {
    const response = await fetch(`${origin}/mcp`).catch(() => undefined);
    /* A GET without a session: there is somebody who knows MCP. */
    if (response?.status === 405) return { origin, close };
    await delay(200);
  }
  await close();
  throw new Error("the gateway did not start");
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
