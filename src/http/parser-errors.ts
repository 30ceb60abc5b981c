import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { newRequestId } from "../core/ids.ts";
import type { RenderedError } from "../core/step.ts";
import type { Render, UnderWay } from "./under-way.ts";

const statusTexts: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  499: "Client Closed Request",
  431: "Request Header Fields Too Large",
};

/** What Node's parser refused, in the words of the error table. */
function fromParserError(error: Error): GatewayError {
  const code = "code" in error ? error.code : undefined;
  if (code === "HPE_HEADER_OVERFLOW")
    return new GatewayError("headers_too_large", "The request's head is too large.", { cause: error });
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW")
    return new GatewayError("too_large", "The chunk extensions are too large.", { cause: error });
  if (code === "HPE_INVALID_EOF_STATE")
    return new GatewayError("cancelled", "The request ended before it was whole.", { cause: error });
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new GatewayError("request_timeout", "The request did not arrive in time.", { cause: error });
  return new GatewayError("invalid_request", "This is not a valid HTTP/1.1 request.", { cause: error });
}

const LINGER_MS = 500;

/** Answers on a socket that has no request to answer to, and closes it. */
function answerRaw(socket: Socket, rendered: RenderedError, id: string): void {
  const lines = [
    `HTTP/1.1 ${rendered.status} ${statusTexts[rendered.status] ?? "Error"}`,
    `x-request-id: ${id}`,
    ...Object.entries(rendered.headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(rendered.body)}`,
    "connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${rendered.body}`);
  // Not at once: a reset for bytes still on their way could overtake the answer.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** Answers what Node's parser does not take for a request: a broken one, and CONNECT. */
export function answerParserErrors(server: Server, underWay: UnderWay, render: Render, clock: Clock): void {
  server.on("connect", (_req, socket: Socket) => {
    const error = new GatewayError("method_not_allowed", "This gateway is no proxy: CONNECT is not served.");
    answerRaw(socket, render(error, ""), newRequestId(clock.now()));
  });
  server.on("clientError", (cause: Error, socket: Socket) => {
    // Already answered: what follows on the connection is not read any more.
    if (socket.writableEnded) return;
    if (!socket.writable) return void socket.destroy();
    const error = fromParserError(cause);
    const last = underWay.lastOn(socket);
    if (last === undefined) return answerRaw(socket, render(error, ""), newRequestId(clock.now()));
    // An answer to the broken request would be read as the answer to one before it. The one under way ends the connection.
    // The answer is out already and waits for its body to end; a library's answer cannot be waited for.
    if (last.reply.ended && !last.handedOver) return;
    if (last.reply.started) return void socket.destroy();
    last.failBody(error);
  });
}
