import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/* Sums with times. A stateless server: it speaks protocol 2026-07-28 and nothing else. */

const { values: flags } = parseArgs({
  options: { port: { type: "string", default: "0" }, host: { type: "string", default: "127.0.0.1" } },
});

const instant = z.iso.datetime({ offset: true }).describe("An instant such as 2026-11-23T09:00:00Z");
const text = (value: string) => ({ content: [{ type: "text" as const, text: value }] });

function createClock(): McpServer {
  const server = new McpServer(
    { name: "clock", version: "1.0.0" },
    { instructions: "Sums with instants and durations; it does not know what time it is." },
  );
  server.registerTool(
    "add_minutes",
    {
      description: "The instant some minutes later.",
      inputSchema: z.object({ instant, minutes: z.int() }),
      annotations: { readOnlyHint: true },
    },
    async ({ instant: from, minutes }) => text(new Date(Date.parse(from) + minutes * 60_000).toISOString()),
  );
  server.registerTool(
    "minutes_between",
    {
      description: "How many minutes lie between two instants.",
      inputSchema: z.object({ from: instant, to: instant }),
      outputSchema: z.object({ minutes: z.number() }),
      annotations: { readOnlyHint: true },
    },
    async ({ from, to }) => {
      const minutes = (Date.parse(to) - Date.parse(from)) / 60_000;
      return { ...text(String(minutes)), structuredContent: { minutes } };
    },
  );
  server.registerTool(
    "count_down",
    {
      description: "Counts down and reports each step as progress.",
      inputSchema: z.object({ from: z.int().min(1).max(50), stepMs: z.int().min(0).max(10_000).default(10) }),
    },
    async ({ from, stepMs }, context) => {
      const progressToken = context.mcpReq._meta?.progressToken;
      for (let step = 1; step <= from; step += 1) {
        await delay(stepMs, undefined, { signal: context.mcpReq.signal });
        if (progressToken !== undefined)
          await context.mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken, progress: step, total: from },
          });
      }
      return text("lift-off");
    },
  );
  return server;
}

const handler = toNodeHandler(createMcpHandler(createClock, { legacy: "reject" }));
const http = createServer(
  (request, response) => void handler(request as IncomingMessage & { method: string; url: string }, response),
);
http.listen(Number(flags.port), flags.host, () => {
  console.log(JSON.stringify({ url: `http://${flags.host}:${(http.address() as AddressInfo).port}/mcp` }));
});
process.once("SIGTERM", () => process.exit(0));
