import type { AbortSignalLike } from "../../core/abort.ts";
import { GatewayError } from "../../core/errors.ts";
import { trustOf } from "../../http/reach.ts";
import { splice } from "../../http/json-splice.ts";
import type { Upstream, UpstreamResponse } from "../../http/upstream.ts";
import type { McpServerConfig } from "../config.ts";
import { isObject } from "../message.ts";
import { sseMessages } from "../sse-messages.ts";
import type { SsePosition } from "../sse-messages.ts";
import type { Incoming, OnMessage } from "./link.ts";

/** One message from a server may be this long: what a base64 image of 12 MiB takes. */
export const MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024;

const ACCEPT = "application/json, text/event-stream";

/** A server's address with the gateway's own credentials. */
export interface Endpoint {
  readonly server: string;
  readonly config: McpServerConfig;
  send(
    method: "POST" | "GET" | "DELETE",
    headers: Readonly<Record<string, string>>,
    body: Buffer | undefined,
    signal: AbortSignalLike,
    idleTimeoutMs: number,
  ): Promise<UpstreamResponse>;
}

export function createEndpoint(server: string, config: McpServerConfig, upstream: Upstream): Endpoint {
  const url = new URL(config.url!);
  const credentials: Record<string, string> = {};
  if (config.credentials?.bearer !== undefined) credentials["authorization"] = `Bearer ${config.credentials.bearer}`;
  for (const [name, value] of Object.entries(config.credentials?.headers ?? {}))
    credentials[name.toLowerCase()] = value;
  return {
    server,
    config,
    send: (method, headers, body, signal, idleTimeoutMs) =>
      upstream.request({
        url,
        trust: trustOf(config.reach),
        method,
        headers: {
          accept: method === "GET" ? "text/event-stream" : ACCEPT,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
          ...credentials,
        },
        ...(body === undefined ? {} : { body }),
        signal,
        headersTimeoutMs: config.timeouts.call,
        idleTimeoutMs,
      }),
  };
}

function parse(bytes: Buffer, status: number, server: string): Incoming {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new GatewayError("upstream_invalid", `MCP server ${server} did not answer with JSON.`, { cause });
  }
  if (!isObject(value))
    throw new GatewayError("upstream_invalid", `MCP server ${server} answered with something that is not a message.`);
  return { bytes, value, status };
}

/** What an HTTP status without a JSON-RPC body means. 401 and 403 are about the gateway's credentials, not the caller's. */
export function refusedBy(server: string, response: UpstreamResponse): GatewayError {
  const cause = new Error(`HTTP ${response.status}`);
  if (response.status === 401 || response.status === 403)
    return new GatewayError("upstream_unavailable", `MCP server ${server} refused the gateway's credentials.`, {
      cause,
    });
  if (response.status === 429 || response.status >= 500)
    return new GatewayError("upstream_unavailable", `MCP server ${server} is not able to answer now.`, { cause });
  return new GatewayError(
    "upstream_invalid",
    `MCP server ${server} refused the request with HTTP ${response.status}.`,
    { cause },
  );
}

/** Starts at the beginning of a stream. */
export const fromStart = (): SsePosition => ({ lastEventId: "", retryMs: 1_000 });

/** Reads the answer to one POST: JSON, or an event stream up to the response. A response under another id is not this request's. */
export async function readAnswer(
  server: string,
  response: UpstreamResponse,
  idText: string,
  onMessage: OnMessage,
  position = fromStart(),
): Promise<Incoming> {
  const type = response.headers["content-type"] ?? "";
  if (type.startsWith("text/event-stream")) {
    for await (const bytes of sseMessages(response.body, MESSAGE_LIMIT_BYTES, position)) {
      const message = parse(bytes, response.status, server);
      if (message.value["method"] !== undefined) {
        await onMessage(message);
        continue;
      }
      const answer = underId(message, idText);
      if (answer === undefined) continue;
      response.discard();
      return answer;
    }
    throw new GatewayError("upstream_truncated", `MCP server ${server} ended its stream without an answer.`);
  }
  if (!type.startsWith("application/json")) {
    response.discard();
    throw response.status >= 400
      ? refusedBy(server, response)
      : new GatewayError("upstream_invalid", `MCP server ${server} answered with neither JSON nor an event stream.`);
  }
  const bytes = await response.bytes(MESSAGE_LIMIT_BYTES);
  const message = response.status < 400 ? parse(bytes, response.status, server) : parseError(bytes, response, server);
  const answer = underId(message, idText);
  if (answer === undefined || message.value["method"] !== undefined)
    throw new GatewayError("upstream_invalid", `MCP server ${server} answered another request.`);
  return answer;
}

function parseError(bytes: Buffer, response: UpstreamResponse, server: string): Incoming {
  try {
    const message = parse(bytes, response.status, server);
    /* A 401 or 5xx with a JSON-RPC body still is about the hop between gateway and server. */
    if (
      isObject(message.value["error"]) &&
      response.status < 500 &&
      response.status !== 401 &&
      response.status !== 403 &&
      response.status !== 429
    )
      return message;
  } catch {
    // An error page: its status says what is to be said.
  }
  throw refusedBy(server, response);
}

/** An error without an id belongs to the only request of its POST. */
function underId(message: Incoming, idText: string): Incoming | undefined {
  const id = message.value["id"];
  if (id === JSON.parse(idText)) return message;
  if (id !== undefined && id !== null) return undefined;
  if (!isObject(message.value["error"])) return undefined;
  return { ...message, bytes: splice(message.bytes, [{ path: ["id"], json: idText }]) };
}

/** The messages of a standing stream, each handed over in turn. */
export async function readStream(server: string, response: UpstreamResponse, onMessage: OnMessage): Promise<void> {
  for await (const bytes of sseMessages(response.body, MESSAGE_LIMIT_BYTES, fromStart()))
    await onMessage(parse(bytes, response.status, server));
}
