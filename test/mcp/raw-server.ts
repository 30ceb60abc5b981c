import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RawRequest {
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly message: { readonly id?: unknown; readonly method?: string; readonly params?: Record<string, unknown> };
}

export interface RawServer {
  readonly url: string;
  readonly requests: RawRequest[];
  close(): Promise<void>;
}

export type Respond = (request: RawRequest, response: ServerResponse) => void;

/** A stateless MCP server whose every byte a test decides: it discovers itself and hands the rest to `respond`. */
export async function startRawServer(respond: Respond): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const message = (body === "" ? {} : JSON.parse(body)) as RawRequest["message"];
    const seen = { method: request.method ?? "", headers: request.headers, body, message };
    requests.push(seen);
    if (message.method !== "server/discover") return respond(seen, response);
    reply(
      response,
      `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public"}}`,
    );
  };
  const http = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    requests,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

export function reply(response: ServerResponse, json: string, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(json);
}
