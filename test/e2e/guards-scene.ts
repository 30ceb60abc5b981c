import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { loadConfig } from "../../src/config/load.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { currentCard, event, openStream, startRawAgent, task } from "../a2a/raw-agent.ts";

/** What every upstream says, in these pieces where it streams; and what it was told. */
export interface Script {
  pieces: readonly string[];
  /** Bodies of the requests that arrived, oldest first. */
  readonly heard: string[];
}

type Answer = (body: string, response: ServerResponse, path: string) => void | Promise<void>;

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** A server on a real socket. */
export async function listen(answer: Answer, script?: Script): Promise<Listening> {
  const server: Server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      script?.heard.push(body);
      void answer(body, response, request.url ?? "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

const sendJson = (response: ServerResponse, value: unknown) => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
};
const isStream = (body: string) => /"stream"\s*:\s*true/.test(body);

function openaiProvider(script: Script): Answer {
  return (body, response) => {
    const common = { id: "c", created: 1, model: "m" };
    const text = script.pieces.join("");
    const call = (piece: string) => ({
      tool_calls: [{ index: 0, id: "t", type: "function", function: { name: "f", arguments: piece } }],
    });
    if (!isStream(body)) {
      const message = { role: "assistant", content: text, ...call(JSON.stringify({ said: text })) };
      return sendJson(response, {
        ...common,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
      });
    }
    openStream(response);
    const send = (delta: object, finish: string | null = null) => {
      const choices = [{ index: 0, delta, finish_reason: finish }];
      response.write(`data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices })}\n\n`);
    };
    send({ role: "assistant", content: "" });
    for (const piece of script.pieces) send({ content: piece });
    send(call('{"said":"'));
    for (const piece of script.pieces) send(call(JSON.stringify(piece).slice(1, -1)));
    send(call('"}'));
    send({}, "stop");
    response.end("data: [DONE]\n\n");
  };
}

function anthropicProvider(script: Script): Answer {
  return (body, response) => {
    const text = script.pieces.join("");
    const common = { id: "m", type: "message", role: "assistant", model: "m" };
    const usage = { input_tokens: 1, output_tokens: 1 };
    const content = [
      { type: "text", text },
      { type: "tool_use", id: "t", name: "f", input: { said: text } },
    ];
    if (!isStream(body))
      return sendJson(response, { ...common, content, stop_reason: "end_turn", stop_sequence: null, usage });
    openStream(response);
    const send = (value: { readonly type: string; readonly [key: string]: unknown }) =>
      response.write(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`);
    send({ type: "message_start", message: { ...common, content: [], stop_reason: null, stop_sequence: null, usage } });
    send({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
    for (const piece of script.pieces)
      send({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: piece } });
    send({ type: "content_block_stop", index: 0 });
    send({ type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "t", name: "f", input: {} } });
    const json = ['{"said":"', ...script.pieces.map((piece) => JSON.stringify(piece).slice(1, -1)), '"}'];
    for (const partial_json of json)
      send({ type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json } });
    send({ type: "content_block_stop", index: 1 });
    send({
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 1 },
    });
    send({ type: "message_stop" });
    response.end();
  };
}

/** One tool that says what the script says, one that asks the client's model first, and one that says it of its own accord. */
function toolServer(script: Script): McpServer {
  const server = new McpServer({ name: "said", version: "1.0.0" }, { capabilities: { logging: {} } });
  server.registerTool("say", { inputSchema: { about: z.string() } }, () => {
    const text = script.pieces.join("");
    return { content: [{ type: "text" as const, text }], structuredContent: { said: text } };
  });
  server.registerTool("sample", { inputSchema: {} }, async () => {
    const said = script.pieces.join("");
    const { content } = await server.server.createMessage({
      maxTokens: 10,
      messages: [{ role: "user", content: { type: "text", text: said } }],
    });
    return { content: [{ type: "text" as const, text: JSON.stringify(content) }] };
  });
  // Not as part of this call: it goes out on the session's own stream.
  server.registerTool("note", { inputSchema: {} }, async () => {
    for (const data of script.pieces) await server.server.sendLoggingMessage({ level: "error", data });
    return { content: [] };
  });
  return server;
}

/** An MCP server of the SDK with sessions, as sampling needs them. */
async function startToolServer(script: Script): Promise<Listening> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const http = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString("utf8");
      if (text.includes('"tools/call"')) script.heard.push(text);
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const id = request.headers["mcp-session-id"];
      let transport = typeof id === "string" ? sessions.get(id) : undefined;
      if (transport === undefined) {
        const made = new StreamableHTTPServerTransport({
          sessionIdGenerator: () => `s${sessions.size}`,
          onsessioninitialized: (session) => void sessions.set(session, made),
        });
        await toolServer(script).connect(made);
        transport = made;
      }
      await transport.handleRequest(request, response, body);
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    async close() {
      await Promise.all([...sessions.values()].map((transport) => transport.close()));
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

const legacyCard = (url: string) => ({
  name: "raw",
  description: "An agent.",
  version: "1",
  protocolVersion: "0.3.0",
  url: `${url}/rpc`,
  preferredTransport: "JSONRPC",
  capabilities: { streaming: true },
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
});

/** An agent that streams an artifact in the pieces of the script; in the end it is done, or waits for its caller. */
async function startAgent(script: Script, legacy: boolean): Promise<Listening> {
  const agent = await startRawAgent(legacy ? legacyCard : currentCard);
  const ids = { taskId: "t", contextId: "c" };
  const kind = (name: string) => (legacy ? { kind: name } : {});
  const part = (text: string) => ({ ...kind("text"), text });
  const state = (name: string) => (legacy ? name : `TASK_STATE_${name.replace("-", "_").toUpperCase()}`);
  agent.answer = (body, response) => {
    script.heard.push(JSON.stringify(body));
    const text = script.pieces.join("");
    const whole = {
      ...kind("task"),
      ...task(`t${script.heard.length}`, "c", state("completed")),
      artifacts: [{ artifactId: "a", parts: [part(text)] }],
    };
    if (!/stream/i.test(body.method))
      return sendJson(response, { jsonrpc: "2.0", id: body.id, result: legacy ? whole : { task: whole } });
    openStream(response);
    const { taskId } = { taskId: `t${script.heard.length}` };
    const send = (name: string, value: object) =>
      response.write(event(body.id, legacy ? { ...kind(name), ...value } : { [toMember(name)]: value }));
    send("task", { id: taskId, contextId: ids.contextId, status: { state: state("working") } });
    for (const [index, piece] of script.pieces.entries())
      send("artifact-update", {
        taskId,
        contextId: ids.contextId,
        artifact: { artifactId: "a", parts: [part(piece)] },
        append: index > 0,
      });
    const last = text.includes("wait") ? "input-required" : "completed";
    send("status-update", { taskId, contextId: ids.contextId, status: { state: state(last) }, final: true });
    response.end();
  };
  return agent;
}

const toMember = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

export interface GuardsScene {
  readonly url: string;
  readonly script: Script;
  close(): Promise<void>;
}

/** A gateway in front of a model of each dialect, a tool server and an agent of each version, with these guards (YAML). */
export async function startGuardsScene(guardrails: string): Promise<GuardsScene> {
  const script: Script = { pieces: ["ok"], heard: [] };
  const dir = mkdtempSync(join(tmpdir(), "sallyport-guards-"));
  const upstreams = await Promise.all([
    listen(openaiProvider(script), script),
    listen(anthropicProvider(script), script),
    startToolServer(script),
    startAgent(script, false),
    startAgent(script, true),
  ]);
  const [openai, anthropic, tools, agent, legacy] = upstreams.map(({ url }) => url);
  const port = await freePorts();
  writeFileSync(join(dir, "rules.yaml"), "rules: [{ name: all is open, allow: 'true' }]");
  writeFileSync(
    join(dir, "sallyport.yaml"),
    `publicUrl: http://127.0.0.1:${port}
listen: {host: 127.0.0.1, port: ${port}, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
auth: {embedded: true, anonymous: true}
models:
  gpt: {provider: openai-compatible, url: "${openai}/v1"}
  claude: {provider: anthropic, url: "${anthropic}", key: not-a-secret}
mcp: {servers: {said: {url: "${tools}"}}, routes: {/mcp: {servers: [said]}}}
a2a: {agents: {agent: {url: "${agent}"}, legacy: {url: "${legacy}"}}}
policies: ./rules.yaml
observability: {log: {level: error}}
drain: {grace: 1ms}
state: memory
guardrails: ${guardrails}
`,
  );
  const gateway = await startGateway(loadConfig(join(dir, "sallyport.yaml")));
  return {
    url: `http://127.0.0.1:${gateway.addresses.data.port}`,
    script,
    async close() {
      await gateway.drain();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
