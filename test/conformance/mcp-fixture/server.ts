import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { localhostHostValidation, NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import { classifyInboundRequest, createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import type { EventStore } from "@modelcontextprotocol/server";
import { addAskingTools, stateCodec } from "./asking-tools.ts";
import { addPlainTools } from "./plain-tools.ts";
import { addPrompts, addResources } from "./resources-and-prompts.ts";
import { addSessionTools } from "./session-tools.ts";

/* What the official suite calls by name, in both eras on one address. */

const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

function createFixture(): McpServer {
  const server = new McpServer(
    { name: "conformance-fixture", version: "1.0.0" },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
      requestState: { verify: stateCodec.verify },
    },
  );
  addPlainTools(server, {
    tools: () => stateless.notify.toolsChanged(),
    prompts: () => stateless.notify.promptsChanged(),
  });
  addAskingTools(server);
  addSessionTools(server, (sessionId, requestId) => sessions.get(sessionId ?? "")?.closeSSEStream(requestId));
  addResources(server);
  addPrompts(server);
  return server;
}

const stateless = createMcpHandler(createFixture);
const handleStateless = toNodeHandler(stateless);

/* Events in order, so that a closed stream can be taken up again. */
function createEventStore(): EventStore {
  const events: { readonly id: string; readonly stream: string; readonly message: unknown }[] = [];
  return {
    async storeEvent(stream, message) {
      const id = `${stream}#${events.length}`;
      events.push({ id, stream, message });
      return id;
    },
    async replayEventsAfter(lastId, { send }) {
      const at = events.findIndex(({ id }) => id === lastId);
      const stream = events[at]?.stream ?? "";
      for (const event of events.slice(at + 1))
        if (event.stream === stream && Object.keys(event.message as object).length > 0)
          await send(event.id, event.message as Parameters<typeof send>[1]);
      return stream;
    },
  };
}

async function handleSession(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
  const id = request.headers["mcp-session-id"];
  const known = typeof id === "string" ? sessions.get(id) : undefined;
  if (known !== undefined) return await known.handleRequest(request, response, body);
  if (id !== undefined)
    return void response
      .writeHead(404)
      .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
  if ((body as { method?: unknown } | undefined)?.method !== "initialize")
    return void response
      .writeHead(400)
      .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Session required"}}');
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: createEventStore(),
    retryInterval: 500,
    onsessioninitialized: (made) => void sessions.set(made, transport),
  });
  transport.onclose = () => void sessions.delete(transport.sessionId ?? "");
  await createFixture().connect(transport);
  await transport.handleRequest(request, response, body);
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!checkHost(request, response)) return;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  let body: unknown;
  try {
    body = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return void response.writeHead(400).end();
  }
  const header = (name: string) => request.headers[name] as string | undefined;
  const version = header("mcp-protocol-version");
  const method = header("mcp-method");
  const route = classifyInboundRequest({
    httpMethod: request.method ?? "",
    ...(version === undefined ? {} : { protocolVersionHeader: version }),
    ...(method === undefined ? {} : { mcpMethodHeader: method }),
    body,
  });
  if (route.kind === "legacy") await handleSession(request, response, body);
  else await handleStateless(request as IncomingMessage & { method: string; url: string }, response, body);
}

const checkHost = localhostHostValidation();
const http = createServer((request, response) => {
  handle(request, response).catch(() => response.destroy());
});
http.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp` }));
});
