import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { DispatchOptions } from "./dispatch.ts";
import { plainOperation } from "./operations.ts";
import type { Outlet } from "./outlet.ts";
import type { RouteView } from "./route-view.ts";
import type { Session } from "./session.ts";
import { createMcpForm } from "./texts.ts";
import { serveSessionStream } from "./standing-stream.ts";

/** The session a request names. */
export async function sessionOf(options: DispatchOptions, exchange: Exchange): Promise<Session> {
  const id = exchange.request.headers["mcp-session-id"];
  if (id === undefined)
    throw new GatewayError(
      "invalid_request",
      "The Mcp-Session-Id header is missing: start a session with initialize, or use protocol 2026-07-28.",
    );
  return await options.sessions.find(id, exchange.principal.id, exchange.route.path);
}

/* A GET or DELETE without a session comes from a client that tries out an older transport; clients take 405 for "not here" and go on. */
function needsSession(exchange: Exchange): void {
  if (exchange.request.headers["mcp-session-id"] === undefined)
    throw new GatewayError(
      "method_not_allowed",
      `${exchange.request.method} needs a session: start one with POST and initialize.`,
      { headers: { allow: "POST" } },
    );
}

/** GET: the standing stream of a session. */
export async function openSessionStream(
  options: DispatchOptions,
  exchange: Exchange,
  view: RouteView,
  outlet: Outlet,
): Promise<void> {
  needsSession(exchange);
  const { accept } = exchange.request.headers;
  if (accept !== undefined && !accept.includes("text/event-stream") && !accept.includes("*/*"))
    throw new GatewayError(
      "not_acceptable",
      "GET answers with text/event-stream; the Accept header does not allow it.",
    );
  const session = await sessionOf(options, exchange);
  const caller = { exchange, session, outlet, era: "legacy", signal: undefined } as const;
  await options.operate(exchange, plainOperation("GET", "stream"), {
    plan: () => [{ name: "gateway" }],
    relay: (context) => serveSessionStream(options, caller, view, context, options.ending),
    texts: () => [],
    answers: createMcpForm,
  });
}

/** DELETE: the end of a session, here and at its servers. */
export async function endSession(options: DispatchOptions, exchange: Exchange): Promise<void> {
  needsSession(exchange);
  const session = await sessionOf(options, exchange);
  await options.operate(exchange, plainOperation("DELETE", "call"), {
    plan: () => [{ name: "gateway" }],
    relay: () => options.sessions.end(session),
  });
  exchange.reply.send(204, {});
}
