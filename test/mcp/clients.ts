import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const identity = { name: "test-client", version: "1.0.0" };

/** The v1 SDK's client, connected. It speaks 2025-11-25 and earlier. */
export async function connectLegacy(
  url: URL,
  principal = "tester",
  capabilities = {},
): Promise<{ client: LegacyClient; transport: LegacyTransport }> {
  const client = new LegacyClient(identity, { capabilities });
  const transport = new LegacyTransport(url, { requestInit: { headers: { "x-test-principal": principal } } });
  await client.connect(transport);
  return { client, transport };
}

/** The v2 SDK's client, connected and held to 2026-07-28. */
export async function connectModern(url: URL, principal = "tester"): Promise<ModernClient> {
  const client = new ModernClient(identity, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  await client.connect(new ModernTransport(url, { requestInit: { headers: { "x-test-principal": principal } } }));
  return client;
}
