import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { startGateway, type Gateway } from "../../src/gateway/gateway.ts";
import { chunkOf, startRawProvider, streamHead } from "../inference/raw-provider.ts";

/** A gateway in this process, open to everybody, in front of one model that begins an answer and never ends it. */
export interface EndlessGateway {
  readonly gateway: Gateway;
  readonly url: string;
  /** The configuration with some of its branches (YAML) replaced. */
  load(change?: Readonly<Record<string, string>>): Config;
  close(): Promise<void>;
}

export async function startEndless(): Promise<EndlessGateway> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-"));
  const provider = await startRawProvider((socket) => {
    socket.write(streamHead);
    socket.write(chunkOf('data: {"choices":[{"delta":{"content":"a"}}]}\n\n'));
  });
  writeFileSync(join(dir, "rules.yaml"), "rules: [{ name: all is open, allow: 'true' }]");
  const branches = {
    publicUrl: "http://127.0.0.1:4000",
    listen: "{ host: 127.0.0.1, port: 0, console: { port: 0 }, health: { host: 127.0.0.1, port: 0 } }",
    auth: "{ embedded: true, anonymous: true }",
    a2a: '{ agents: { none: { url: "http://127.0.0.1:9" } } }',
    models: `{ endless: { provider: vllm, url: "${provider.url}" } }`,
    guardrails: '[{ type: max-length, max: 20, message: "Rejected: too long." }]',
    policies: "./rules.yaml",
    observability: "{ log: { level: error } }",
    drain: "{ grace: 1ms }",
    state: "memory",
  };
  const load = (change: Readonly<Record<string, string>> = {}) => {
    const lines = Object.entries({ ...branches, ...change }).map(([key, value]) => `${key}: ${value}\n`);
    writeFileSync(join(dir, "sallyport.yaml"), lines.join(""));
    return loadConfig(join(dir, "sallyport.yaml"));
  };
  const gateway = await startGateway(load());
  let drained: Promise<void> | undefined;
  const drain = () => (drained ??= gateway.drain());
  return {
    gateway: { ...gateway, drain },
    url: `http://127.0.0.1:${gateway.addresses.data.port}`,
    load,
    async close() {
      await drain();
      await provider.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What asks the endless model for a stream. */
export const chat = (content: string, authorization?: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...(authorization !== undefined && { authorization }) },
  body: JSON.stringify({ model: "endless", stream: true, messages: [{ role: "user", content }] }),
});
