/* A session-era server over stdio that says something on the way to every answer, as often as asked for. It answers what is not `stuck`. */
import { createInterface } from "node:readline";

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params: {
    readonly _meta?: { readonly progressToken?: unknown };
    readonly requestId?: number;
    readonly arguments?: { readonly messages: number; readonly text: string };
  };
}

const say = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
let cancelled = 0;

function answer({ id, method, params }: Request): void {
  if (method === "notifications/cancelled") cancelled += 1;
  if (id === undefined) return;
  switch (method) {
    case "initialize":
      return void say({
        id,
        result: {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "progress", version: "1.0.0" },
        },
      });
    case "tools/list":
      return void say({ id, result: { tools: [{ name: "work", inputSchema: { type: "object" } }] } });
    case "tools/call": {
      const { messages, text } = params.arguments ?? { messages: 0, text: "" };
      for (let progress = 1; progress <= messages; progress++)
        say({
          method: "notifications/progress",
          params: { progressToken: params._meta?.progressToken, progress, message: text },
        });
      if (text !== "stuck") say({ id, result: { content: [{ type: "text", text: `${cancelled} cancelled` }] } });
      return;
    }
    default:
      say({ id, error: { code: -32601, message: "Method not found" } });
  }
}

createInterface({ input: process.stdin }).on("line", (line) => answer(JSON.parse(line) as Request));
