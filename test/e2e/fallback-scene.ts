import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { adminTokenFile } from "../../src/gateway/admin-token.ts";
import { loadConfig } from "../../src/config/load.ts";
import { startGateway, type Gateway } from "../../src/gateway/gateway.ts";

/** What a provider does with a call; `stream` as its caller asked. */
export type Behaviour = (response: ServerResponse, stream: boolean) => void;

/** A provider of one model, on a real socket, that does what the test says and counts what it was asked. */
export interface Provider {
  readonly url: string;
  /** Calls that have arrived whole. */
  calls: number;
  behaviour: Behaviour;
  /** The body of the last call. */
  lastBody: string;
  close(): Promise<void>;
}

export async function startProvider(behaviour: Behaviour): Promise<Provider> {
  const provider = { url: "", calls: 0, behaviour, lastBody: "", close };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      provider.calls++;
      /* A pool asks for metrics meanwhile. */
      if (request.method === "POST") provider.lastBody = Buffer.concat(chunks).toString();
      provider.behaviour(response, /"stream"\s*:\s*true/.test(provider.lastBody));
    });
  });
  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return provider;
}

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const openStream = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
};

/** What a provider says it has read and written. */
export const usageOf = (read: number, wrote: number) => ({
  prompt_tokens: read,
  completion_tokens: wrote,
  total_tokens: read + wrote,
});

/** Answers with this text, in two pieces of a stream or whole, and says what it used. */
export const says =
  (text: string, usage = usageOf(3, 2)): Behaviour =>
  (response, stream) => {
    if (!stream) {
      const message = { role: "assistant", content: text };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          id: "c",
          object: "chat.completion",
          created: 1,
          model: "m",
          choices: [{ index: 0, message, finish_reason: "stop" }],
          usage,
        }),
      );
      return;
    }
    openStream(response);
    response.write(chunk({ role: "assistant", content: "" }));
    response.write(chunk({ content: text }));
    response.write(chunk({}, "stop"));
    const used = { id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage };
    response.end(`data: ${JSON.stringify(used)}\n\ndata: [DONE]\n\n`);
  };

/** Answers with this status and an OpenAI error. */
export const refuses =
  (status: number, error: object = {}, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(
      JSON.stringify({ error: { message: `status ${status}`, type: "some_error", param: null, code: null, ...error } }),
    );
  };

/** Takes the call and never says a word. */
export const hangs: Behaviour = () => {};

/** Opens a stream, or a whole answer, and never says a word in it. */
export const hangsAfterHead: Behaviour = (response, stream) => {
  if (stream) return openStream(response);
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
};

/** Breaks the connection without an answer. */
export const breaksOff: Behaviour = (response) => void response.destroy();

/** Opens a stream with what comes before the first token, and breaks off. */
export const diesBeforeFirstToken: Behaviour = (response) => {
  openStream(response);
  response.write(chunk({ role: "assistant", content: "" }));
  setTimeout(() => response.destroy(), 20);
};

/** Says something, and breaks off. */
export const saysAndDies =
  (text: string): Behaviour =>
  (response) => {
    openStream(response);
    response.write(chunk({ role: "assistant", content: "" }));
    response.write(chunk({ content: text }));
    setTimeout(() => response.destroy(), 20);
  };

/** The first event of its stream is an error. */
export const failsInStream: Behaviour = (response) => {
  openStream(response);
  response.end(
    `data: ${JSON.stringify({ error: { message: "The engine is overloaded.", type: "server_error", code: 503 } })}\n\n`,
  );
};

/** A gateway in this process, open to everybody. */
export interface Scene {
  readonly gateway: Gateway;
  /** Without `/v1`. */
  readonly url: string;
  readonly openai: OpenAI;
  /** The lines of a metric, without their prefix. */
  metric(name: string): Promise<readonly string[]>;
  ready(): Promise<string>;
  admin(path: string): Promise<unknown>;
  /** Changes branches of the configuration as it runs. */
  reload(branches: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

export async function startScene(branches: Readonly<Record<string, string>>): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-fallback-"));
  const all = {
    publicUrl: "http://127.0.0.1:4000",
    listen: "{ host: 127.0.0.1, port: 0, console: { port: 0 }, health: { host: 127.0.0.1, port: 0 } }",
    auth: '{ keys: { caller: { secret: "${env:KEY}", tenant: team-a } } }',
    policies: "open",
    observability: "{ log: { level: error } }",
    drain: "{ grace: 1ms }",
    state: "./sallyport.db",
    ...branches,
  };
  const file = join(dir, "sallyport.yaml");
  writeFileSync(
    join(dir, "rules.yaml"),
    `rules:
  - { name: all models, on: llm, allow: 'true' }
  - { name: but not the second, on: llm, deny: 'llm.model == "second"' }`,
  );
  const key = `sp_${"k".repeat(40)}`;
  const load = (more: Readonly<Record<string, string>>) => {
    const lines = Object.entries({ ...all, ...more }).map(([name, value]) => `${name}: ${value}\n`);
    writeFileSync(file, lines.join(""));
    return loadConfig(file, { env: { KEY: key } });
  };
  const config = load({});
  const gateway = await startGateway(config);
  const { data, console: admin, health } = gateway.addresses;
  const url = `http://127.0.0.1:${data.port}`;
  const healthUrl = `http://127.0.0.1:${health.port}`;
  const token = readFileSync(adminTokenFile(config), "utf8").trim();
  return {
    gateway,
    url,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 }),
    async metric(name) {
      const text = await (await fetch(`${healthUrl}/metrics`)).text();
      return text
        .split("\n")
        .filter((line) => line.startsWith(`sallyport_${name}`))
        .map((line) => line.slice(10));
    },
    ready: async () => (await fetch(`${healthUrl}/readyz`)).text(),
    admin: async (path) =>
      (await fetch(`http://127.0.0.1:${admin.port}${path}`, { headers: { authorization: `Bearer ${token}` } })).json(),
    reload: (more) => gateway.reload(load(more)),
    async close() {
      await gateway.drain();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
