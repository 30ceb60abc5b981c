import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readAnthropicMessages, readAnthropicPrompt } from "./anthropic-request.ts";
import { messagesShape } from "./anthropic-shape.ts";
import { chatShape, completionShape } from "./chunks.ts";
import type { Shape } from "./chunks.ts";
import { embed } from "./embeddings.ts";
import { createEngine } from "./engine.ts";
import { countPrompt, generate } from "./generate.ts";
import type { Generator } from "./generate.ts";
import { parseKnobs, splitModel } from "./knobs.ts";
import type { Fault, Knobs } from "./knobs.ts";
import { createMetrics } from "./metrics.ts";
import { BadRequest, readChat, readCompletion, readEmbeddings } from "./request.ts";
import type { ChatRequest } from "./request.ts";
import { hash } from "./text.ts";

const BODY_LIMIT_BYTES = 64 * 1_048_576;
const REMEMBERED_BYTES = 65_536;

export interface SimulatorOptions {
  /** 0 or undefined: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The model it lists; it answers to any name. Default `simulated`. */
  readonly model?: string;
  /** When set, requests must carry it: as a bearer token, or in `x-api-key` for messages. */
  readonly key?: string;
  /** Lets requests ask for faults. Default false. */
  readonly faults?: boolean;
  /** 1: the speed of a real accelerator; 0, the default: as fast as it can. */
  readonly timeScale?: number;
  /** Default 256, and 2,810 blocks of 16 tokens. */
  readonly maxSequences?: number;
  readonly blocks?: number;
  /** Names of LoRA adapters: a request for a model of such a name runs with it. */
  readonly adapters?: readonly string[];
  /** How many adapters it holds at one time. Default 4. */
  readonly maxAdapters?: number;
  /** Sees every request as it came. */
  readonly onRequest?: (seen: SeenRequest) => void;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborts when the client went before it had its whole answer. */
  readonly signal: AbortSignal;
}

export interface Simulator {
  /** Without a trailing slash and without `/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a model server that speaks the OpenAI dialect and Anthropic's, with the metrics of vLLM. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { timeScale = 0, maxSequences = 256, blocks = 2_810, maxAdapters = 4 } = options;
  const engine = createEngine({ timeScale, maxSequences, blocks, maxAdapters });
  const model = options.model ?? "simulated";
  const generator = { engine, metrics: createMetrics(model, engine) };
  const last: LastRequest = { path: "", body: "" };
  let served = 0;
  const server = createServer((request, response) => {
    // Errors have the shape of the path's dialect.
    if (isMessages(request.url ?? "/")) response.setHeader("request-id", `req_${served + 1}`);
    answerRequest({ options, model, generator, last, number: ++served }, request, response).catch((error: unknown) =>
      sendFailure(response, error),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, options.host ?? "127.0.0.1", resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${address.includes(":") ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a caller sent last, as it came; long bodies are cut. */
interface LastRequest {
  path: string;
  body: string;
}

interface Server {
  readonly options: SimulatorOptions;
  readonly model: string;
  readonly generator: Generator;
  readonly last: LastRequest;
  readonly number: number;
}

async function answerRequest(server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  const body = await readBody(request);
  const path = new URL(request.url ?? "/", "http://simulator").pathname;
  const method = request.method ?? "GET";
  server.options.onRequest?.({ method, path, headers: request.headers, body, signal: gone.signal });
  if (path === "/health") return void response.end();
  if (path === "/metrics")
    return void response
      .writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" })
      .end(server.generator.metrics.render());
  if (path === "/last-request") return sendJson(response, 200, server.last);
  if (method === "POST") Object.assign(server.last, { path, body: body.toString("utf8", 0, REMEMBERED_BYTES) });
  const { key } = server.options;
  const { authorization, "x-api-key": apiKey } = request.headers;
  if (key !== undefined && (isMessages(path) ? apiKey !== key : authorization !== `Bearer ${key}`))
    return sendError(response, 401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key");
  const version = request.headers["anthropic-version"];
  if (isMessages(path) && version !== "2023-06-01" && version !== "2026-10-21")
    throw new BadRequest("anthropic-version: header is required");
  if (method === "GET" && path === "/v1/models")
    return sendJson(response, 200, {
      object: "list",
      data: [server.model, ...(server.options.adapters ?? [])].map(describeModel),
    });
  const post = method === "POST" ? posts[path] : undefined;
  if (post === undefined)
    return sendError(response, 404, `Unknown request URL: ${method} ${path}.`, "invalid_request_error", "unknown_url");
  await post(server, {
    body: parseBody(body),
    header: String(request.headers["x-simulate"] ?? ""),
    version: String(version ?? ""),
    signal: gone.signal,
    response,
  });
}

interface Post {
  readonly body: unknown;
  /** Knobs from the header. */
  readonly header: string;
  /** `anthropic-version`. */
  readonly version: string;
  readonly signal: AbortSignal;
  readonly response: ServerResponse;
}

const posts: Readonly<Record<string, (server: Server, post: Post) => Promise<void>>> = {
  "/v1/chat/completions": (server, post) => complete(server, post, readChat(post.body), chatShape, "chatcmpl"),
  "/v1/completions": (server, post) => complete(server, post, readCompletion(post.body), completionShape, "cmpl"),
  "/v1/messages": (server, post) =>
    complete(server, post, readAnthropicMessages(post.body, post.version), messagesShape, "msg"),
  "/v1/messages/count_tokens": async (server, post) => {
    const request = readAnthropicPrompt(post.body);
    const knobs = readKnobs(server, post, request.model);
    if (knobs.fault !== undefined && (await fail(knobs.fault, post))) return;
    sendJson(post.response, 200, { input_tokens: countPrompt(request.messages) });
  },
  "/v1/embeddings": async (server, post) => {
    const { model, inputs, dimensions, base64 } = readEmbeddings(post.body);
    const knobs = readKnobs(server, post, model);
    if (knobs.fault !== undefined && (await fail(knobs.fault, post))) return;
    sendJson(post.response, 200, embed(model, inputs, dimensions, base64));
  },
};

async function complete(server: Server, post: Post, request: ChatRequest, shape: Shape, prefix: string): Promise<void> {
  const knobs = readKnobs(server, post, request.model);
  if (knobs.fault !== undefined && (await fail(knobs.fault, post))) return;
  const id = `${prefix}-${hash(JSON.stringify(post.body)).toString(16).padStart(8, "0")}${server.number.toString(16).padStart(8, "0")}`;
  const model = splitModel(request.model).name;
  const adapter = server.options.adapters?.find((name) => name === model);
  await generate(server.generator, { id, model, adapter, request, shape, knobs, signal: post.signal }, post.response);
}

function readKnobs(server: Server, post: Post, model: string): Knobs {
  try {
    return parseKnobs([splitModel(model).knobs, post.header].join(","), server.options.faults === true);
  } catch (error) {
    throw new BadRequest(error instanceof Error ? error.message : "bad knobs");
  }
}

/** Faults that come instead of an answer; false when the fault is one of a stream and comes later. */
async function fail(fault: Fault, { response, signal }: Post): Promise<boolean> {
  switch (fault.kind) {
    case "hang":
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return true;
    case "reset":
      response.destroy();
      return true;
    case "html":
      response.writeHead(200, { "content-type": "text/html" }).end("<html><body>Welcome to nginx!</body></html>");
      return true;
    case "plain-error":
      response
        .writeHead(500, { "content-type": "text/plain" })
        .end("Traceback (most recent call last): engine.py line 12, host 10.0.0.7");
      return true;
    case "json-for-stream":
      sendJson(response, 200, { object: "chat.completion", choices: [] });
      return true;
    case "status":
      if (fault.status === 429) response.setHeader("retry-after", "7");
      sendError(
        response,
        fault.status,
        `Simulated status ${fault.status}.`,
        fault.status < 500 ? "invalid_request_error" : "server_error",
        "simulated",
      );
      return true;
    default:
      return false;
  }
}

function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new BadRequest("the body is not JSON");
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) throw new BadRequest("the body is too large", 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const describeModel = (id: string) => ({
  id,
  object: "model",
  created: 1_700_000_000,
  owned_by: "sallyport-simulator",
});

function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body);
}

const isMessages = (path: string) => path.startsWith("/v1/messages");

/* Anthropic's own types, where they differ. */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function sendError(response: ServerResponse, status: number, message: string, type: string, code: string): void {
  const requestId = response.getHeader("request-id");
  if (requestId !== undefined) {
    const said = anthropicTypes[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
    return sendJson(response, status, { type: "error", error: { type: said, message }, request_id: requestId });
  }
  sendJson(response, status, { error: { message, type, param: null, code } });
}

function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  if (error instanceof BadRequest)
    sendError(response, error.status, error.message, "invalid_request_error", "bad_request");
  else sendError(response, 500, "The simulator failed.", "server_error", "internal");
}
