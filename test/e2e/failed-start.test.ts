import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { makeFolder } from "../config/config-folder.ts";
import { startRedis } from "../state/redis-server.ts";

const root = resolve(import.meta.dirname, "../..");

/** Serves the configuration and gives how the process ended by itself. */
async function serve(state: string, policies: string, port = 0) {
  const folder = makeFolder({
    "s.yaml": `policies: ${policies}
listen: {port: ${port}, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
auth: {embedded: true, anonymous: true}
cache: {}
mcp: {servers: {notes: {url: "http://127.0.0.1:9"}}, routes: {/mcp: {servers: [notes]}}}
models: {llama: {pool: local}}
pools: {local: {engine: vllm, endpoints: ["http://127.0.0.1:9"]}}
state: ${state}
`,
  });
  const child = spawn(process.execPath, [resolve(root, "src/main.ts"), "serve", "--config", folder.at("s.yaml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

test("a gateway whose policies cannot be read says so and ends, though its state is well", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const { code, said } = await serve(redis.url, "nowhere");
  expect(said).toContain("no such file or folder");
  expect(code).toBe(1);
});

test("a gateway whose port is taken says so and ends", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const { code, said } = await serve(redis.url, "open", redis.port);
  expect(said).toContain(String(redis.port));
  expect(code).toBe(1);
});

test("a gateway whose state lets it do only a part says so and ends", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const admin = new Redis(redis.url);
  await admin.call("ACL", "SETUSER", "half", "on", ">password", "~*", "&*", "+@all", "-subscribe", "-psubscribe");
  await admin.quit();
  const { code, said } = await serve(redis.url.replace("redis://", "redis://half:password@"), "open");
  expect(said).toContain("state store");
  expect(code).toBe(1);
});
