import { plainOperation } from "./operations.ts";
import type { Operate, Visible } from "../core/step.ts";
import { isObject } from "./message.ts";
import { offeringOf } from "./offering.ts";
import type { Answer } from "./outlet.ts";
import { codes, Refusal } from "./refusal.ts";
import type { Call } from "./relay.ts";
import { MODERN, negotiate, SERVER_KEY } from "./revisions.ts";
import type { RouteView } from "./route-view.ts";
import type { Sessions } from "./sessions.ts";
import { gatewayIdentity } from "./upstreams/identity.ts";

const JSON_HEADERS = { "content-type": "application/json" };
/** Short: what servers offer can change, and this is cheap to ask for. */
const DISCOVER_TTL_MS = 30_000;
const CLIENT_LIMIT = 16_000;

export interface HandshakeOptions {
  readonly operate: Operate;
  readonly visible: Visible;
}

/** Starts a session (2025-11-25, lifecycle). Servers get theirs when they are first called. */
export async function initialize(
  { operate, visible, sessions }: HandshakeOptions & { readonly sessions: Sessions },
  call: Call,
  view: RouteView,
): Promise<Answer> {
  const { message, exchange } = call;
  const { protocolVersion, capabilities, clientInfo } = message.params;
  if (typeof protocolVersion !== "string")
    throw new Refusal(200, codes.invalidParams, "initialize needs params.protocolVersion, a string.");
  /* Both go into a stored record. */
  if (JSON.stringify([capabilities, clientInfo]).length > CLIENT_LIMIT)
    throw new Refusal(200, codes.invalidParams, "params.capabilities and params.clientInfo are too large.");
  return await operate(exchange, plainOperation("initialize", "call"), {
    plan: () => [{ name: "gateway" }],
    relay: async () => {
      const version = negotiate(protocolVersion);
      const offering = await offeringOf(view, "legacy", (operation) => visible(exchange, operation));
      const session = await sessions.create({
        principal: exchange.principal.id,
        route: exchange.route.path,
        version,
        capabilities: isObject(capabilities) ? capabilities : {},
        client: isObject(clientInfo) ? clientInfo : { name: "unknown", version: "0" },
        servers: {},
        subscriptions: [],
      });
      const result = {
        protocolVersion: version,
        capabilities: offering.capabilities,
        serverInfo: gatewayIdentity,
        instructions: offering.instructions,
      };
      return {
        status: 200,
        headers: { ...JSON_HEADERS, "mcp-session-id": session.id },
        body: answer(message.idText!, result),
      };
    },
  });
}

/** Says what a route offers (2026-07-28, server/discover). */
export async function discover({ operate, visible }: HandshakeOptions, call: Call, view: RouteView): Promise<Answer> {
  const { exchange } = call;
  return await operate(exchange, plainOperation("server/discover", "call"), {
    plan: () => [{ name: "gateway" }],
    relay: async () => {
      const offering = await offeringOf(view, "modern", (operation) => visible(exchange, operation));
      const result = {
        resultType: "complete",
        supportedVersions: [MODERN],
        capabilities: offering.capabilities,
        instructions: offering.instructions,
        ttlMs: DISCOVER_TTL_MS,
        cacheScope: "private",
        _meta: { [SERVER_KEY]: gatewayIdentity },
      };
      return { status: 200, headers: JSON_HEADERS, body: answer(call.message.idText!, result) };
    },
  });
}

const answer = (idText: string, result: unknown): string =>
  `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result)}}`;
