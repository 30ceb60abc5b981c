import { LightAbortSignal } from "../core/abort.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import { locateElements } from "../http/json-locate.ts";
import { classify } from "./classify.ts";
import { dispatch } from "./dispatch.ts";
import type { DispatchOptions } from "./dispatch.ts";
import { echoId, toMessage } from "./message.ts";
import type { Message } from "./message.ts";
import type { Answer, Outlet } from "./outlet.ts";
import { codes, Refusal } from "./refusal.ts";
import { renderRpcError } from "./render-error.ts";
import { BATCHING, isLegacyVersion, MODERN, served } from "./revisions.ts";
import type { Era } from "./revisions.ts";
import type { RouteView } from "./route-view.ts";
import type { Session } from "./session.ts";
import { sessionOf } from "./session-requests.ts";

const ACCEPTED: Answer = { status: 202, headers: {}, body: "" };
const MAX_BATCH = 100;

/** POST: one message, or an array of them in a session of 2025-03-26. */
export async function receivePost(
  options: DispatchOptions,
  exchange: Exchange,
  view: RouteView,
  outlet: Outlet,
): Promise<void> {
  checkAccept(exchange);
  const body = await exchange.body();
  if (Array.isArray(body.value)) return await receiveBatch(options, exchange, view, outlet, body.bytes, body.value);
  let message: Message;
  let era: Era;
  let session: Session | undefined;
  try {
    message = toMessage(body.bytes, body.value);
    era = classify(exchange.request, message);
    if (era === "legacy") session = await enter(options, exchange, message);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (error.kind === "internal") throw error;
    return await outlet.finish(renderRpcError(error, echoId(body.bytes)));
  }
  const answer = await carry(options, exchange, view, outlet, message, era, session);
  if (message.kind === "request") return await outlet.finish(answer);
  await outlet.finish(answer ?? ACCEPTED);
}

/* Both kinds of answer must be possible (2025-11-25 and 2026-07-28, "Sending Messages"). No header at all allows everything (RFC 9110, 12.5.1). */
function checkAccept(exchange: Exchange): void {
  const { accept } = exchange.request.headers;
  if (accept === undefined || accept.includes("*/*")) return;
  if (accept.includes("application/json") && accept.includes("text/event-stream")) return;
  throw new GatewayError("not_acceptable", "The Accept header must list application/json and text/event-stream.");
}

/** The session of a legacy message; undefined for the handshake that makes one. */
async function enter(options: DispatchOptions, exchange: Exchange, message: Message): Promise<Session | undefined> {
  const version = exchange.request.headers["mcp-protocol-version"];
  if (message.kind === "request" && message.method === "initialize") return undefined;
  if (version !== undefined && !isLegacyVersion(version) && version !== MODERN)
    throw new Refusal(
      400,
      codes.unsupportedVersion,
      `Protocol version ${version} is not served; ${served.join(", ")} are.`,
      { supported: served, requested: version },
    );
  return await sessionOf(options, exchange);
}

async function carry(
  options: DispatchOptions,
  exchange: Exchange,
  view: RouteView,
  outlet: Outlet,
  message: Message,
  era: Era,
  session: Session | undefined,
): Promise<Answer | undefined> {
  if (session === undefined || message.kind !== "request")
    return await dispatch(options, { exchange, message, era, outlet, session, signal: undefined }, view);
  const own = new LightAbortSignal();
  const follow = () => own.abort(exchange.signal.reason);
  // The client may have gone while its session was looked up.
  if (exchange.signal.aborted) follow();
  else exchange.signal.addEventListener("abort", follow, { once: true });
  const id = message.idText!;
  session.inFlight.set(id, own);
  try {
    return await dispatch(options, { exchange, message, era, outlet, session, signal: own }, view);
  } finally {
    exchange.signal.removeEventListener("abort", follow);
    if (session.inFlight.get(id) === own) session.inFlight.delete(id);
  }
}

async function receiveBatch(
  options: DispatchOptions,
  exchange: Exchange,
  view: RouteView,
  outlet: Outlet,
  bytes: Buffer,
  values: readonly unknown[],
): Promise<void> {
  const refuse = (text: string) => outlet.finish(renderRpcError(new GatewayError("invalid_request", text), "null"));
  if (exchange.request.headers["mcp-session-id"] === undefined)
    return await refuse("Send one message at a time: arrays need a session of protocol 2025-03-26.");
  const session = await sessionOf(options, exchange);
  if (session.record.version !== BATCHING)
    return await refuse(`Send one message at a time: protocol ${session.record.version} has no arrays.`);
  if (values.length === 0 || values.length > MAX_BATCH)
    return await refuse(`An array holds 1 to ${MAX_BATCH} messages.`);
  const ranges = locateElements(bytes);
  const answers = await Promise.all(
    values.map(async (value, index) => {
      const range = ranges[index]!;
      const own = bytes.subarray(range.start, range.end);
      try {
        const message = toMessage(own, value);
        if (message.method === "initialize" || classify(exchange.request, message) === "modern")
          throw new GatewayError("invalid_request", "This message cannot be part of an array.");
        return await carry(options, exchange, view, outlet, message, "legacy", session);
      } catch (thrown) {
        return renderRpcError(GatewayError.from(thrown), echoId(own));
      }
    }),
  );
  const bodies = answers
    .filter((answer) => answer !== undefined)
    .map(({ body }) => (typeof body === "string" ? body : body.toString("utf8")));
  await outlet.finish(
    bodies.length === 0
      ? ACCEPTED
      : { status: 200, headers: { "content-type": "application/json" }, body: `[${bodies.join(",")}]` },
  );
}
