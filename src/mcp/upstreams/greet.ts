import { GatewayError } from "../../core/errors.ts";
import { isObject } from "../message.ts";
import type { JsonObject } from "../message.ts";
import { isLegacyVersion, MODERN } from "../revisions.ts";
import { readAnswer } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ServerInfo } from "./link.ts";
import { discovered, OWN_ENVELOPE } from "./stateless-link.ts";

/** What a session at a server is known by; an empty id where the server keeps none. */
export interface SessionHandle {
  readonly id: string;
  readonly version: string;
}

/** What `initialize` says: the caller's own words, or the gateway's where it speaks for itself. */
export interface Hello {
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly client: JsonObject;
}

const HELLO_ID = "sallyport-hello";

/** The headers of every request in a session. */
export const headersOf = (session: SessionHandle): Record<string, string> => ({
  ...(session.id === "" ? {} : { "mcp-session-id": session.id }),
  "mcp-protocol-version": session.version,
});

/** Starts a session: initialize, and the notification that ends the handshake (2025-11-25, lifecycle). */
export async function greet(endpoint: Endpoint, hello: Hello): Promise<{ session: SessionHandle; info: ServerInfo }> {
  const { server, config } = endpoint;
  const signal = AbortSignal.timeout(config.timeouts.connect);
  try {
    const params = { protocolVersion: hello.version, capabilities: hello.capabilities, clientInfo: hello.client };
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: HELLO_ID, method: "initialize", params }));
    const response = await endpoint.send("POST", {}, body, signal, config.timeouts.connect);
    const answer = await readAnswer(server, response, JSON.stringify(HELLO_ID), () => {});
    const { result, error } = answer.value;
    if (!isObject(result))
      throw new GatewayError("upstream_invalid", `MCP server ${server} refused to start a session.`, { cause: error });
    const version = result["protocolVersion"];
    if (typeof version !== "string" || !isLegacyVersion(version))
      throw new GatewayError("upstream_invalid", `MCP server ${server} offers a protocol version that is not known.`);
    const session = { id: response.headers["mcp-session-id"] ?? "", version };
    const ready = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    (await endpoint.send("POST", headersOf(session), ready, signal, config.timeouts.connect)).discard();
    return { session, info: infoOf(result) };
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    throw new GatewayError("upstream_timeout", `MCP server ${server} did not start a session in time.`, {
      cause: thrown,
    });
  }
}

/** What an `initialize` result says of its server. */
export function infoOf(result: JsonObject): ServerInfo {
  const { capabilities, serverInfo, instructions } = result;
  return {
    era: "legacy",
    capabilities: isObject(capabilities) ? capabilities : {},
    identity: isObject(serverInfo) ? serverInfo : undefined,
    instructions: typeof instructions === "string" ? instructions : undefined,
  };
}

/** Asks for 2026-07-28. A refusal is a sign of the session era; 401, 403 and 5xx are signs of nothing and throw. */
export async function probe(endpoint: Endpoint): Promise<ServerInfo | undefined> {
  const { connect } = endpoint.config.timeouts;
  const message = { jsonrpc: "2.0", id: 1, method: "server/discover", params: { _meta: OWN_ENVELOPE } };
  const headers = { "mcp-protocol-version": MODERN, "mcp-method": message.method };
  const body = Buffer.from(JSON.stringify(message));
  const response = await endpoint.send("POST", headers, body, AbortSignal.timeout(connect), connect);
  try {
    return discovered(await readAnswer(endpoint.server, response, "1", () => {}));
  } catch (thrown) {
    if (GatewayError.from(thrown).kind === "upstream_invalid") return undefined;
    throw thrown;
  }
}
