import { request } from "node:http";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** One HTTP request with exactly these headers and bytes. */
export function raw(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

export const JSON_TYPES = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** Starts a session by hand; gives its headers. */
export async function startSession(
  url: URL,
  version = "2025-11-25",
  principal = "tester",
): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  const who = { ...JSON_TYPES, "x-test-principal": principal };
  const answer = await raw(url, "POST", who, JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }));
  return { ...who, "mcp-session-id": String(answer.headers["mcp-session-id"]) };
}

/** The headers of a request of 2026-07-28. */
export const stateless = (method: string, name?: string): Record<string, string> => ({
  ...JSON_TYPES,
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": method,
  ...(name === undefined ? {} : { "mcp-name": name }),
});

export const ENVELOPE =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
