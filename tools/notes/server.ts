import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/* A notebook in memory, one per session. A session-era server: protocol 2025-11-25 and earlier over Streamable HTTP. */

const { values: flags } = parseArgs({
  options: { port: { type: "string", default: "0" }, host: { type: "string", default: "127.0.0.1" } },
});

const PAGE = 25;
const SAMPLE_NOTES = 60;
const text = (value: string) => ({ content: [{ type: "text" as const, text: value }] });

function createNotes(): McpServer {
  const notes = new Map<string, string>();
  for (let index = 1; index <= SAMPLE_NOTES; index += 1) notes.set(`note-${index}`, `This is note ${index}.`);
  const server = new McpServer(
    { name: "notes", version: "1.0.0" },
    {
      instructions: "A notebook that lives as long as the session.",
      capabilities: { resources: { subscribe: true, listChanged: true }, logging: {} },
    },
  );
  server.registerTool(
    "read_note",
    {
      description: "The text of one note.",
      inputSchema: z.object({ id: z.string() }),
      annotations: { readOnlyHint: true },
    },
    async ({ id }) => {
      const note = notes.get(id);
      return note === undefined ? { ...text(`there is no note ${id}`), isError: true } : text(note);
    },
  );
  server.registerTool(
    "write_note",
    {
      description: "Adds or replaces a note.",
      inputSchema: z.object({ id: z.string().max(100), text: z.string().max(10_000) }),
    },
    async ({ id, text: body }) => {
      const isNew = !notes.has(id);
      if (isNew && notes.size >= 10_000) return { ...text("the notebook is full"), isError: true };
      notes.set(id, body);
      if (isNew) server.sendResourceListChanged();
      else await server.server.sendResourceUpdated({ uri: `note:///${id}` });
      return text(`kept ${id}`);
    },
  );
  server.registerTool(
    "reindex",
    {
      description: "Works through all notes and reports progress.",
      inputSchema: z.object({
        steps: z.int().min(1).max(50).default(5),
        stepMs: z.int().min(0).max(10_000).default(10),
      }),
    },
    async ({ steps, stepMs }, context) => {
      const progressToken = context.mcpReq._meta?.progressToken;
      for (let step = 1; step <= steps; step += 1) {
        await delay(stepMs, undefined, { signal: context.mcpReq.signal });
        if (progressToken !== undefined)
          await context.mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken, progress: step, total: steps, message: `step ${step}` },
          });
      }
      return text(`indexed ${notes.size} notes`);
    },
  );
  server.registerTool(
    "ask_user",
    { description: "Asks the user of the client a question.", inputSchema: z.object({ question: z.string() }) },
    async ({ question }, context) => {
      const schema = {
        type: "object" as const,
        properties: { answer: { type: "string" as const } },
        required: ["answer"],
      };
      const answer = await context.mcpReq.send({
        method: "elicitation/create",
        params: { message: question, requestedSchema: schema },
      });
      return text(JSON.stringify(answer));
    },
  );
  server.registerPrompt(
    "summarize",
    { description: "Asks for a summary of one note.", argsSchema: z.object({ id: z.string() }) },
    ({ id }) => ({
      messages: [
        { role: "user", content: { type: "text", text: `Summarize this note: ${notes.get(id) ?? "(missing)"}` } },
      ],
    }),
  );
  /* By hand, because the high-level server puts everything on one page. */
  server.server.setRequestHandler("resources/list", ({ params }) => {
    const from = params?.cursor === undefined ? 0 : Number(params.cursor);
    const ids = [...notes.keys()];
    const next = from + PAGE;
    return {
      resources: ids.slice(from, next).map((id) => ({ uri: `note:///${id}`, name: id, mimeType: "text/plain" })),
      ...(next < ids.length ? { nextCursor: String(next) } : {}),
    };
  });
  server.server.setRequestHandler("resources/read", ({ params }) => {
    const note = notes.get(params.uri.slice("note:///".length));
    if (note === undefined)
      throw Object.assign(new Error(`Resource not found: ${params.uri}`), { code: -32002, data: { uri: params.uri } });
    return { contents: [{ uri: params.uri, mimeType: "text/plain", text: note }] };
  });
  server.server.setRequestHandler("resources/subscribe", () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", () => ({}));
  return server;
}

const MAX_SESSIONS = 1_000;
const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.headers["mcp-session-id"];
  const known = typeof id === "string" ? sessions.get(id) : undefined;
  if (known !== undefined) return await known.handleRequest(request, response);
  if (id !== undefined) {
    response
      .writeHead(404, { "content-type": "application/json" })
      .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
    return;
  }
  const server = createNotes();
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (made) => {
      const oldest = sessions.size >= MAX_SESSIONS ? sessions.entries().next().value : undefined;
      if (oldest !== undefined) void oldest[1].close();
      sessions.set(made, transport);
    },
  });
  transport.onclose = () => {
    if (transport.sessionId !== undefined) sessions.delete(transport.sessionId);
  };
  await server.connect(transport);
  await transport.handleRequest(request, response);
  /* A request that started no session leaves nothing behind. */
  if (transport.sessionId === undefined) await server.close();
}

const http = createServer((request, response) => {
  if (request.url === "/sessions") return void response.end(JSON.stringify({ sessions: sessions.size }));
  handle(request, response).catch(() => response.destroy());
});
http.listen(Number(flags.port), flags.host, () => {
  console.log(JSON.stringify({ url: `http://${flags.host}:${(http.address() as AddressInfo).port}/mcp` }));
});
process.once("SIGTERM", () => process.exit(0));
