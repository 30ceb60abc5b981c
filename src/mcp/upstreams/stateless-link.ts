import type { AbortSignalLike } from "../../core/abort.ts";
import { encodeHeaderValue } from "../classify.ts";
import { isObject } from "../message.ts";
import { CAPABILITIES_KEY, CLIENT_KEY, MODERN, SERVER_KEY, VERSION_KEY } from "../revisions.ts";
import { readAnswer } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { gatewayIdentity } from "./identity.ts";
import type { Incoming, Link, OnMessage, Outbound, ServerInfo } from "./link.ts";

/** The envelope of requests that the gateway makes for itself. */
export const OWN_ENVELOPE = { [VERSION_KEY]: MODERN, [CLIENT_KEY]: gatewayIdentity, [CAPABILITIES_KEY]: {} };

/** Every kind of change a server may announce (2026-07-28, subscriptions, "Notification Filter"). */
export const ALL_CHANGES = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

export const ACKNOWLEDGED = "notifications/subscriptions/acknowledged";

/** A link to a server of 2026-07-28 over HTTP: every request stands for itself, so callers' ids pass as they are. */
export function createStatelessLink(endpoint: Endpoint, subscriptions: () => readonly string[]): Link {
  const post = (outbound: Outbound, signal: AbortSignalLike, idleTimeoutMs: number) =>
    endpoint.send(
      "POST",
      {
        ...outbound.headers,
        "mcp-protocol-version": MODERN,
        "mcp-method": outbound.method,
        ...(outbound.name === undefined ? {} : { "mcp-name": encodeHeaderValue(outbound.name) }),
      },
      outbound.bytes,
      signal,
      idleTimeoutMs,
    );
  return {
    era: "modern",
    dedicated: true,
    async request(outbound, signal, onMessage) {
      const response = await post(outbound, signal, endpoint.config.timeouts.call);
      return await readAnswer(endpoint.server, response, outbound.idText, onMessage);
    },
    /* 2026-07-28 defines no message from client to server over HTTP beside requests. */
    async send() {},
    async listen(signal: AbortSignalLike, onMessage: OnMessage, onOpen: () => void) {
      const outbound = listenRequest(1, subscriptions());
      const response = await post(outbound, signal, 0);
      await readAnswer(endpoint.server, response, outbound.idText, (message) =>
        message.value["method"] === ACKNOWLEDGED ? onOpen() : onMessage(message),
      );
      return "ended";
    },
    async close() {},
  };
}

/** A `subscriptions/listen` request for all list changes and the given resources. */
export function listenRequest(id: number, uris: readonly string[]): Outbound {
  const notifications = { ...ALL_CHANGES, ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }) };
  const message = {
    jsonrpc: "2.0",
    id,
    method: "subscriptions/listen",
    params: { _meta: OWN_ENVELOPE, notifications },
  };
  return { bytes: Buffer.from(JSON.stringify(message)), idText: String(id), method: message.method };
}

/** What a `server/discover` answer says; undefined when it is no sign of 2026-07-28. */
export function discovered(answer: Incoming): ServerInfo | undefined {
  const { result } = answer.value;
  if (!isObject(result)) return undefined;
  const { supportedVersions, capabilities, instructions, _meta: meta } = result;
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN)) return undefined;
  const identity = isObject(meta) ? meta[SERVER_KEY] : undefined;
  return {
    era: "modern",
    capabilities: isObject(capabilities) ? capabilities : {},
    identity: isObject(identity) ? identity : undefined,
    instructions: typeof instructions === "string" ? instructions : undefined,
  };
}
