import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
  readonly body: string;
}

export interface RawAgent {
  readonly url: string;
  readonly port: number;
  /** JSON-RPC requests as they arrived; card fetches are counted apart. */
  readonly seen: SeenRequest[];
  cardFetches: number;
  /** Answers JSON-RPC posts. */
  answer: (
    body: { id: unknown; method: string; params: Record<string, unknown> },
    response: ServerResponse,
    request: IncomingMessage,
  ) => void | Promise<void>;
  card: Record<string, unknown>;
  close(): Promise<void>;
}

/** An agent on bare HTTP, for answers and failures that no SDK makes. */
export async function startRawAgent(
  card: (url: string) => Record<string, unknown> = currentCard,
  port = 0,
): Promise<RawAgent> {
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${bound}`;
  const agent: RawAgent = {
    url,
    port: bound,
    seen: [],
    cardFetches: 0,
    card: card(url),
    answer: (body, response) => json(response, { jsonrpc: "2.0", id: body.id, result: {} }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === "GET") {
      agent.cardFetches++;
      return json(response, agent.card);
    }
    const body = Buffer.concat(chunks).toString("utf8");
    agent.seen.push({ headers: request.headers, url: request.url ?? "", body });
    await agent.answer(JSON.parse(body) as Parameters<RawAgent["answer"]>[0], response, request);
  }
  return agent;
}

export const currentCard = (url: string): Record<string, unknown> => ({
  name: "raw",
  description: `An agent at ${url}/about.`,
  version: "1",
  supportedInterfaces: [{ url: `${url}/rpc`, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
  capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: false },
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
});

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

export function openStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
}

export const event = (id: unknown, result: unknown) => `data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`;

export const task = (id: string, contextId = "c", state = "TASK_STATE_COMPLETED") => ({
  id,
  contextId,
  status: { state },
});
