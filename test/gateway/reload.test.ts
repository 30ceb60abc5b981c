import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openConfig } from "../../src/config/reload.ts";
import { startGateway, type Gateway } from "../../src/gateway/gateway.ts";
import { chunkOf, startRawProvider, streamHead, type RawProvider } from "../inference/raw-provider.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(): Promise<{ gateway: Gateway; load: (change: string) => ReturnType<typeof read>; url: string }> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-"));
  ends.push(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "rules.yaml"), "rules: [{ name: models are open, on: llm, allow: 'true' }]");
  const provider: RawProvider = await startRawProvider((socket) => {
    socket.write(streamHead);
    socket.write(chunkOf('data: {"choices":[{"delta":{"content":"a"}}]}\n\n'));
  });
  ends.push(() => provider.close());
  const load = (change: string) =>
    read(
      join(dir, "sallyport.yaml"),
      `
listen: { host: 127.0.0.1, port: 0, console: { port: 0 }, health: { host: 127.0.0.1, port: 0 } }
auth: { embedded: true, anonymous: true }
models: { slow: { provider: vllm, url: "${provider.url}" } }
policies: ./rules.yaml
observability: { log: { level: error } }
drain: { grace: 1ms }
state: memory
${change}`,
    );
  const gateway = await startGateway(await load("publicUrl: http://127.0.0.1:4000"));
  ends.push(() => gateway.drain());
  return { gateway, load, url: `http://127.0.0.1:${gateway.addresses.data.port}` };
}

async function read(file: string, yaml: string) {
  writeFileSync(file, yaml);
  return (await openConfig(file)).config;
}

function openStream(url: string): Promise<Response> {
  const ended = new AbortController();
  ends.push(() => ended.abort());
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "slow", stream: true, messages: [{ role: "user", content: "hi" }] }),
    signal: ended.signal,
  });
}

test("limits of admission are those of the configuration in force", async () => {
  const { gateway, load, url } = await start();
  expect((await openStream(url)).status).toBe(200);
  expect((await openStream(url)).status).toBe(200);
  await gateway.reload(await load("publicUrl: http://127.0.0.1:4000\nadmission: { perPrincipal: 2 }"));
  const refused = await openStream(url);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining("2 operations") } });
});

test("another public address is refused until a restart, and what was in force stays", async () => {
  const { gateway, load, url } = await start();
  await expect(gateway.reload(await load("publicUrl: http://127.0.0.1:4001"))).rejects.toThrow(/publicUrl.*restart/);
  expect((await (await fetch(`${url}/.well-known/oauth-protected-resource`)).json()) as object).toMatchObject({
    resource: "http://127.0.0.1:4000",
  });
});
