import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";
import { freePort } from "../free-port.ts";

/** Keys of callers, by their names. */
const keyOf = (name: string): string => `key-of-${name}-`.repeat(3);

/** A provider that counts ten tokens in and twenty out for whatever it is asked; `fail` in the question makes it fail. */
async function startProvider(): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      if (body.includes("fail")) return response.writeHead(500).end("{}");
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          id: "c",
          object: "chat.completion",
          created: 1,
          model: "m",
          choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
          usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
        }),
      );
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const policies = `
rules:
- {name: nobody asks for the secret one, on: llm, deny: 'llm.model == "secret"', message: Ask somebody else.}
- {name: analysts, allow: '"analyst" in principal.groups'}
`;

/** What a scene may have beside. */
export interface SceneAuth {
  /** More of `auth.embedded`. */
  readonly embedded?: string;
  readonly issuers?: readonly string[];
}

const yaml = (port: number, provider: string, more: string, { embedded = "", issuers = [] }: SceneAuth) => `
publicUrl: http://127.0.0.1:${port}
listen: { port: ${port}, console: { port: 0 }, health: { host: 127.0.0.1, port: 0 } }
auth:
  issuers: ${JSON.stringify(issuers)}
  embedded:
    ${embedded.trim().replaceAll("\n  ", "\n")}
    users:
      operator: { password: operator-password }
      olga: { password: olga-password, groups: [operators] }
      vera: { password: vera-password, groups: [viewers] }
      nora: { password: nora-password }
  keys:
    alice: { secret: ${keyOf("alice")}, tenant: blue, groups: [analyst] }
    bob: { secret: ${keyOf("bob")}, tenant: red, groups: [analyst] }
    carl: { secret: ${keyOf("carl")}, tenant: red }
policies: ./policies.yaml
models:
  small: { provider: vllm, url: "${provider}", model: m, price: { input: "$1", output: "$2" } }
  secret: { provider: vllm, url: "${provider}", model: m, price: { input: "$1", output: "$2" } }
  pooled: { pool: local, model: m, price: { input: "$1", output: "$2" } }
pools:
  local: { engine: vllm, endpoints: ["${provider}"], metrics: off }
observability: { log: { level: silent } }
drain: { grace: 1ms }
state: memory
${more}
`;

export interface Scene {
  readonly gateway: Gateway;
  readonly publicUrl: string;
  readonly consoleUrl: string;
  readonly adminToken: string;
  /** Asks a model as one of the callers; the answer's status and its request id. */
  ask(
    caller: string,
    model: string,
    text?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; requestId: string }>;
  /** Asks which models there are: no call that policy judges. Gives the request id. */
  listModels(caller: string): Promise<string>;
  /** The admin API with the operator's token. */
  admin<T = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }>;
}

/** A gateway in front of a model, with callers, policies and a console. `more`: further top-level keys of its configuration. */
export async function startScene(more = "", auth: SceneAuth = {}): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-console-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const port = await freePort();
  const file = join(dir, "sallyport.yaml");
  writeFileSync(join(dir, "policies.yaml"), policies);
  writeFileSync(file, yaml(port, await startProvider(), more, auth));
  const gateway = await startGateway(loadConfig(file));
  onTestFinished(() => gateway.drain());
  const publicUrl = `http://127.0.0.1:${port}`;
  const consoleUrl = `http://127.0.0.1:${gateway.addresses.console.port}`;
  const adminToken = readFileSync(join(dir, "data", "admin-token"), "utf8").trim();
  return {
    gateway,
    publicUrl,
    consoleUrl,
    adminToken,
    async ask(caller, model, text = "Hello?", headers = {}) {
      const response = await fetch(`${publicUrl}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${keyOf(caller)}`, "content-type": "application/json", ...headers },
        body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: "user", content: text }] }),
      });
      await response.text();
      return { status: response.status, requestId: response.headers.get("x-request-id") ?? "" };
    },
    async listModels(caller) {
      const response = await fetch(`${publicUrl}/v1/models`, { headers: { authorization: `Bearer ${keyOf(caller)}` } });
      await response.text();
      return response.headers.get("x-request-id") ?? "";
    },
    async admin<T>(method: string, path: string, body?: unknown) {
      const response = await fetch(consoleUrl + path, {
        method,
        headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as T };
    },
  };
}
