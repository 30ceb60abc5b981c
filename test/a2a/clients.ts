import { randomUUID } from "node:crypto";
import { SendMessageRequest, type StreamResponse } from "@a2a-js/sdk";
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, type Client } from "@a2a-js/sdk/client";

/** A fetch that shows `caller` to the gateway; nobody when it is empty. */
export function fetchAs(caller: string, extra: Readonly<Record<string, string>> = {}): typeof fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    if (caller !== "") headers.set("authorization", `Bearer ${caller}`);
    for (const [name, value] of Object.entries(extra)) headers.set(name, value);
    return fetch(input, { ...init, headers });
  };
}

/** The official client. `legacy` makes it choose 0.3 where the card offers it. */
export function officialClient(agentUrl: string, caller: string, legacy = false): Promise<Client> {
  const fetchImpl = legacy ? withoutVersionOnCards(fetchAs(caller)) : fetchAs(caller);
  const legacyCompat = { enabled: legacy };
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl, legacyCompat })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl, legacyCompat }),
  });
  return factory.createFromUrl(`${agentUrl}/`);
}

/** As a client of 0.3 would ask: without a version, and reading the 0.3 part of the card alone. */
function withoutVersionOnCards(inner: typeof fetch): typeof fetch {
  return async (input, init) => {
    if (!(input instanceof Request ? input.url : new URL(input).href).includes("/.well-known/"))
      return inner(input, init);
    const headers = new Headers(init?.headers);
    headers.delete("a2a-version");
    const response = await inner(input, { ...init, headers });
    const { supportedInterfaces: _, ...card } = (await response.json()) as Record<string, unknown>;
    return Response.json(card);
  };
}

export function textMessage(
  text: string,
  more: Readonly<Record<string, unknown>> = {},
  configuration: Readonly<Record<string, unknown>> = {},
): SendMessageRequest {
  return SendMessageRequest.fromJSON({
    message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text }], ...more },
    configuration,
  });
}

/** Posts one raw JSON-RPC request. */
export async function rpc(
  agentUrl: string,
  caller: string,
  method: string,
  params: unknown,
  options: { version?: string; id?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  const version: Record<string, string> = options.version === "" ? {} : { "a2a-version": options.version ?? "1.0" };
  return fetch(agentUrl, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${caller}`, ...version, ...options.headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: options.id ?? 1, method, params }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

export const kindsOf = (events: readonly StreamResponse[]) => events.map((event) => event.payload?.$case);

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}
