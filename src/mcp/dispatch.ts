import type { AbortSignalLike } from "../core/abort.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Operation } from "../core/operation.ts";
import type { Visible } from "../core/step.ts";
import { rawValue } from "../http/json-locate.ts";
import { aims } from "./aim.ts";
import { denialOf } from "./denial.ts";
import { discover, initialize } from "./handshake.ts";
import { setLogLevel } from "./links.ts";
import { listAnswer } from "./list-answer.ts";
import { capabilitiesOf } from "./offering.ts";
import { lists, plainOperation } from "./operations.ts";
import type { ListKind } from "./operations.ts";
import type { Answer } from "./outlet.ts";
import { codes, Refusal } from "./refusal.ts";
import { refuseMiss } from "./refuse-miss.ts";
import { relay, reply } from "./relay.ts";
import type { Aim, Call, RelayOptions } from "./relay.ts";
import { renderRpcError } from "./render-error.ts";
import type { RouteView } from "./route-view.ts";
import type { Sessions } from "./sessions.ts";
import { serveListen } from "./standing-stream.ts";
import type { McpServer } from "./upstreams/server.ts";

export interface DispatchOptions extends RelayOptions {
  readonly visible: Visible;
  readonly log: Log;
  readonly sessions: Sessions;
  readonly servers: ReadonlyMap<string, McpServer>;
  /** Aborts when the gateway stops. */
  readonly ending: AbortSignalLike;
}

type Method = (options: DispatchOptions, call: Call, view: RouteView) => Promise<Answer | undefined>;

const LOG_LEVELS = new Set(["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]);
const listOf =
  (kind: ListKind): Method =>
  (options, call, view) =>
    listAnswer(options, call, view, kind);

const listMethods: Readonly<Record<string, Method>> = Object.fromEntries(
  (Object.keys(lists) as ListKind[]).map((kind) => [lists[kind].method, listOf(kind)]),
);

/** Methods of sessions, up to 2025-11-25. */
const legacyMethods: Readonly<Record<string, Method>> = {
  ...listMethods,
  initialize,
  ping: async (options, call) => await plain(options, call, async () => {}),
  "tools/call": relayed,
  "prompts/get": relayed,
  "resources/read": relayed,
  "completion/complete": relayed,
  "resources/subscribe": (options, call, view) => subscribe(options, call, view, true),
  "resources/unsubscribe": (options, call, view) => subscribe(options, call, view, false),
  "logging/setLevel": async (options, call) =>
    await plain(options, call, async () => {
      const level = call.message.params["level"];
      if (typeof level !== "string" || !LOG_LEVELS.has(level))
        throw new Refusal(200, codes.invalidParams, `params.level must be one of ${[...LOG_LEVELS].join(", ")}.`);
      const session = call.session!;
      await options.sessions.update(session, (record) => ({ ...record, logLevel: level }));
      await Promise.all([...session.links.values()].map(async (link) => await setLogLevel(await link, level)));
    }),
};

/** Methods of 2026-07-28. */
const modernMethods: Readonly<Record<string, Method>> = {
  ...Object.fromEntries(
    (Object.keys(lists) as ListKind[]).map((kind) => [lists[kind].method, offered(kind, listOf(kind))]),
  ),
  "server/discover": discover,
  "tools/call": relayed,
  "prompts/get": relayed,
  "resources/read": relayed,
  "completion/complete": relayed,
  "subscriptions/listen": async (options, call, view) => {
    const work = {
      plan: () => [{ name: "gateway" }],
      relay: (context: { readonly signal: AbortSignalLike }) =>
        serveListen(options, call, view, context.signal, options.ending),
    };
    await options.operate(call.exchange, plainOperation(call.message.method, "stream"), work);
    return undefined;
  },
};

/** Carries out one message. Resolves with the answer, or undefined where there is none; never rejects. */
export async function dispatch(options: DispatchOptions, call: Call, view: RouteView): Promise<Answer | undefined> {
  const { message, era } = call;
  try {
    if (message.kind === "response") return void (await reply(options, call, options.servers));
    if (message.kind === "notification") return void (await notified(options, call));
    const methods = era === "modern" ? modernMethods : legacyMethods;
    const method = Object.hasOwn(methods, message.method) ? methods[message.method] : undefined;
    if (method === undefined)
      throw new Refusal(era === "modern" ? 404 : 200, codes.methodNotFound, `Method not found: ${message.method}`);
    return await method(options, call, view);
  } catch (thrown) {
    /* Cancelled by the client, which waits for nothing any more. */
    if (call.signal?.aborted === true && !call.exchange.signal.aborted) return undefined;
    const error = GatewayError.from(thrown);
    if (error.kind === "internal")
      options.log.error({ error: error.cause ?? error, request: call.exchange.id }, "mcp request failed");
    return renderRpcError(error, message.idText ?? "null", message.kind === "request" ? message.method : "");
  }
}

/* Where a call goes; a call of what does not exist ends here, on record. */
async function aimed(options: DispatchOptions, call: Call, view: RouteView): Promise<Aim> {
  try {
    return await aims[call.message.method]!(view, call.message, call.era);
  } catch (thrown) {
    return await refuseMiss(options.operate, call, GatewayError.from(thrown));
  }
}

async function relayed(options: DispatchOptions, call: Call, view: RouteView): Promise<Answer> {
  const aim = await aimed(options, call, view);
  try {
    return await relay(options, call, aim);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (error.kind === "upstream_invalid") aim.server.reconsider();
    const denial = denialOf(error, aim, call, options.visible);
    if (denial instanceof GatewayError) throw denial;
    return denial;
  }
}

/* What is not announced does not exist in this era. */
function offered(kind: ListKind, method: Method): Method {
  return async (options, call, view) => {
    const capabilities = await capabilitiesOf(view, "modern");
    if (capabilities[lists[kind].capability] === undefined)
      throw new Refusal(404, codes.methodNotFound, `Method not found: ${call.message.method}`);
    return await method(options, call, view);
  };
}

async function subscribe(options: DispatchOptions, call: Call, view: RouteView, wanted: boolean): Promise<Answer> {
  const aim = await aimed(options, call, view);
  const link = await options.link(aim.server, call);
  if (link.era === "legacy" && link.dedicated) return await relayed(options, call, view);
  const uri = String(call.message.params["uri"]);
  try {
    return await plain(
      options,
      call,
      async () => {
        const others = (subscriptions: readonly string[]) => subscriptions.filter((other) => other !== uri);
        await options.sessions.update(call.session!, (record) => ({
          ...record,
          subscriptions: wanted ? [...others(record.subscriptions), uri].slice(-1_000) : others(record.subscriptions),
        }));
        call.session!.stream?.subscribed(uri, wanted);
      },
      aim.operation,
    );
  } catch (thrown) {
    const denial = denialOf(GatewayError.from(thrown), aim, call, options.visible);
    if (denial instanceof GatewayError) throw denial;
    return denial;
  }
}

async function plain(
  options: DispatchOptions,
  call: Call,
  work: () => Promise<void>,
  operation: Operation = plainOperation(call.message.method, "call"),
): Promise<Answer> {
  await options.operate(call.exchange, operation, { plan: () => [{ name: "gateway" }], relay: work }, call.signal);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: `{"jsonrpc":"2.0","id":${call.message.idText},"result":{}}`,
  };
}

/* Cancellation ends the call here and at its server; changed roots concern every server the session has a session with. The rest is the gateway's own handshake. */
async function notified(options: DispatchOptions, call: Call): Promise<void> {
  const { message, session, exchange } = call;
  await options.operate(exchange, plainOperation(message.method, "notify"), {
    plan: () => [{ name: "gateway" }],
    relay: async () => {
      if (session === undefined) return;
      if (message.method === "notifications/cancelled") {
        const id = rawValue(message.bytes, ["params", "requestId"])?.toString("utf8");
        const running = id === undefined ? undefined : session.inFlight.get(id);
        running?.abort(new GatewayError("cancelled", "The client cancelled this request."));
        return;
      }
      if (message.method !== "notifications/roots/list_changed") return;
      await Promise.allSettled([...session.links.values()].map(async (link) => await (await link).send(message.bytes)));
    },
  });
}
