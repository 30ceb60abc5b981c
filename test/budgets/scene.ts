import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";

type Json = Readonly<Record<string, unknown>>;

export interface ModelServer {
  readonly url: string;
  /** The bodies it was sent. */
  readonly asked: readonly Json[];
  close(): Promise<void>;
}

/* What it answers of itself, in tokens, whatever it was asked. */
const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 };
const choice = (more: Json) => ({
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, ...more }],
});

/**
 * A model server that says what the last message asks for: `slow N` waits N ms, `stream N` streams N words (of one token each) at
 * most as many as `max_tokens` allows, `untold N` says N words and not what it used, `fail` fails.
 */
export async function startModelServer(): Promise<ModelServer> {
  const asked: Json[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Json;
      asked.push(body);
      answer(body, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(body: Json, response: ServerResponse): void {
  const text = (body["messages"] as readonly { content: string }[] | undefined)?.at(-1)?.content ?? "";
  const [verb, count] = text.split(" ");
  if (verb === "fail") {
    response.writeHead(500, { "content-type": "application/json" }).end('{"error":{"message":"no"}}');
    return;
  }
  if (body["stream"] === true) return stream(response, Number(count), verb !== "untold");
  const content = verb === "untold" ? "word".repeat(Number(count)) : "Yes.";
  const whole = JSON.stringify({
    ...choice({ message: { role: "assistant", content }, finish_reason: "stop" }),
    ...(verb === "untold" ? {} : { usage }),
  });
  const reply = () => void response.writeHead(200, { "content-type": "application/json" }).end(whole);
  if (verb === "slow") setTimeout(reply, Number(count));
  else reply();
}

function stream(response: ServerResponse, words: number, tells: boolean): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (value: Json) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  let sent = 0;
  const timer = setInterval(() => {
    for (let turn = 0; turn < 20 && sent < words; turn += 1, sent += 1) send(choice({ delta: { content: "word" } }));
    if (sent < words) return;
    clearInterval(timer);
    send(choice({ delta: {}, finish_reason: "stop" }));
    const counts = { prompt_tokens: 10, completion_tokens: sent };
    if (tells) send({ id: "c1", object: "chat.completion.chunk", choices: [], usage: counts });
    response.end("data: [DONE]\n\n");
  }, 1);
  response.on("close", () => clearInterval(timer));
}

export interface Scene {
  readonly gateway: Gateway;
  readonly url: string;
  readonly provider: ModelServer;
  close(): Promise<void>;
}

/** A gateway in this process before a model server, with these budgets (YAML), open to everybody. */
export async function startScene(
  budgets: string,
  change: Readonly<Record<string, string>> = {},
  rule = "allow: 'true'",
): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-budgets-"));
  const provider = await startModelServer();
  writeFileSync(join(dir, "rules.yaml"), `rules: [{ name: all is open, ${rule} }]`);
  const free = '{ input: "$0", output: "$0" }';
  const at = `provider: vllm, url: "${provider.url}"`;
  const branches = {
    publicUrl: "http://127.0.0.1:4000",
    listen: "{ host: 127.0.0.1, port: 0, console: { port: 0 }, health: { host: 127.0.0.1, port: 0 } }",
    auth: "{ embedded: true, anonymous: true }",
    models: `{ free: { ${at}, price: ${free} }, dear: { ${at}, price: { input: "$10", output: "$1000" }, fallback: [free] }, unpriced: { ${at} } }`,
    policies: "./rules.yaml",
    observability: "{ log: { level: error } }",
    drain: "{ grace: 1ms }",
    state: "memory",
    ...change,
    budgets,
  };
  const lines = Object.entries(branches).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(join(dir, "sallyport.yaml"), lines.join(""));
  const gateway = await startGateway(loadConfig(join(dir, "sallyport.yaml")));
  return {
    gateway,
    url: `http://127.0.0.1:${gateway.addresses.data.port}`,
    provider,
    async close() {
      await gateway.drain();
      await provider.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Asks a model for a whole answer or a stream. */
export function ask(
  scene: Scene,
  model: string,
  content: string,
  more: Json = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${scene.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content }], ...more }),
    ...(signal !== undefined && { signal }),
  });
}
