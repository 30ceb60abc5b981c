/* The server behind every proxy of a bench: fixed answers and as little of its own as can be. Runs as a process of its own. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ANSWER, CHUNKS } from "./messages.ts";
import { endFloods, forgetStreams, readPlan, sendTimed, tellStreams } from "./timed-stream.ts";

/** The public key that the tokens of a bench are signed with, as JSON. */
const jwk = process.argv[2] ?? "{}";

const whole = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "bench",
  choices: [
    { index: 0, message: { role: "assistant", content: ANSWER, refusal: null }, logprobs: null, finish_reason: "stop" },
  ],
  usage: { prompt_tokens: 200, completion_tokens: 150, total_tokens: 350 },
});

const chunk = (choices: object[], usage: object | null = null) =>
  `data: ${JSON.stringify({ id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_700_000_000, model: "bench", choices, usage })}\n\n`;
const delta = (content: string, finish: string | null) =>
  chunk([{ index: 0, delta: { content }, logprobs: null, finish_reason: finish }]);
const stream = [
  ...Array.from({ length: CHUNKS }, (_, index) => delta(` word${index}`, null)),
  delta("", "stop"),
  chunk([], { prompt_tokens: 200, completion_tokens: CHUNKS, total_tokens: 200 + CHUNKS }),
  "data: [DONE]\n\n",
];

let address = "";

const card = () =>
  JSON.stringify({
    name: "bench",
    description: "Answers every message with the same text.",
    version: "1.0.0",
    supportedInterfaces: [{ url: `${address}/a2a`, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
    capabilities: { streaming: false },
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    skills: [{ id: "bench", name: "bench", description: "Answers.", tags: ["bench"] }],
  });

interface RpcRequest {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly protocolVersion?: string };
}

/** The results of the JSON-RPC methods that a bench and a gateway's own discovery use. */
function rpcResult({ method, params }: RpcRequest): unknown {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params?.protocolVersion ?? "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "bench", version: "1.0.0" },
      };
    case "tools/list":
      return {
        tools: [
          {
            name: "bench",
            description: "Answers every call with the same text.",
            inputSchema: { type: "object", properties: { text: { type: "string" } } },
          },
        ],
      };
    case "tools/call":
      return { content: [{ type: "text", text: ANSWER }], isError: false };
    case "SendMessage":
      return { message: { messageId: "answer", role: "ROLE_AGENT", parts: [{ text: ANSWER }] } };
    default:
      return undefined;
  }
}

function answerRpc(body: string, response: ServerResponse): void {
  const request = JSON.parse(body) as RpcRequest;
  if (request.id === undefined) return void response.writeHead(202).end();
  const result = rpcResult(request);
  const outcome = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
  sendJson(response, JSON.stringify({ jsonrpc: "2.0", id: request.id, ...outcome }));
}

function sendJson(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}

/** Each event in a turn and a write of its own, as tokens come. */
function sendStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let index = 0;
  const next = () => {
    const event = stream[index++];
    if (event === undefined) return void response.end();
    response.write(event);
    setImmediate(next);
  };
  next();
}

function answerChat(body: string, response: ServerResponse): void {
  if (!body.includes('"stream":true')) return sendJson(response, whole);
  const plan = readPlan(body);
  if (plan === undefined) sendStream(response);
  else sendTimed(response, plan);
}

/* What a bench wants of this server beside answers. */
const controls: Readonly<Record<string, () => unknown>> = {
  "/bench/streams": tellStreams,
  "/bench/end-floods": endFloods,
  "/bench/forget": forgetStreams,
};

function answer(request: IncomingMessage, body: string, response: ServerResponse): void {
  const control = controls[request.url ?? ""];
  if (control !== undefined) return sendJson(response, JSON.stringify(control() ?? null));
  switch (request.url) {
    case "/v1/chat/completions":
      return answerChat(body, response);
    case "/mcp":
      if (request.method !== "POST") return void response.writeHead(405).end();
      return answerRpc(body, response);
    case "/a2a":
      return answerRpc(body, response);
    case "/.well-known/agent-card.json":
      return sendJson(response, card());
    case "/.well-known/openid-configuration":
    case "/.well-known/oauth-authorization-server":
      return sendJson(response, JSON.stringify({ issuer: address, jwks_uri: `${address}/jwks` }));
    case "/jwks":
      return sendJson(response, JSON.stringify({ keys: [JSON.parse(jwk)] }));
    default:
      response.writeHead(404).end();
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (data: Buffer) => chunks.push(data));
  request.on("end", () => answer(request, Buffer.concat(chunks).toString("latin1"), response));
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  console.log(JSON.stringify({ url: address }));
});
