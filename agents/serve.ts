import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { AgentCard } from "@a2a-js/sdk";
import { DefaultRequestHandler, InMemoryTaskStore, type AgentExecutor } from "@a2a-js/sdk/server";
import { agentCardHandler, jsonRpcHandler, UserBuilder } from "@a2a-js/sdk/server/express";
import express from "express";

export interface SampleAgent {
  /** The card without its interfaces and without what all samples say of themselves, as JSON. */
  readonly card: Readonly<Record<string, unknown>>;
  /** The A2A versions it speaks, newest first. */
  readonly versions: readonly ("1.0" | "0.3")[];
  readonly executor: AgentExecutor;
  /** Larger messages are refused. */
  readonly bodyLimitBytes?: number;
}

/* What all samples say of themselves: they stream text for text, and nothing more. */
const sampleCard = {
  version: "1.0.0",
  provider: { organization: "Sallyport samples", url: "https://example.com" },
  capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false },
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
};

export interface RunningAgent {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves one agent over JSON-RPC at the root of its own listener. `port` 0 takes a free one. */
export async function serveAgent(agent: SampleAgent, port: number, host = "127.0.0.1"): Promise<RunningAgent> {
  const app = express();
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const url = `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${(server.address() as AddressInfo).port}`;
  const supportedInterfaces = agent.versions.map((protocolVersion) => ({
    url: `${url}/`,
    protocolBinding: "JSONRPC",
    protocolVersion,
  }));
  const card = AgentCard.fromJSON({ ...sampleCard, ...agent.card, supportedInterfaces });
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), agent.executor);
  const legacyCompat = { enabled: agent.versions.includes("0.3") };
  app.get("/healthz", (_request, response) => void response.json({ status: "ok" }));
  app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler, legacyCompat }));
  app.use(
    "/",
    express.json({ limit: agent.bodyLimitBytes ?? 4_194_304 }),
    jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication, legacyCompat }),
  );
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Runs an agent as a process: `--port` and `--host`, one JSON line with its address, an end on SIGTERM. */
export async function runAgent(name: string, agent: SampleAgent): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: process.env.PORT ?? "0" },
      host: { type: "string", default: process.env.HOST ?? "127.0.0.1" },
    },
  });
  const running = await serveAgent(agent, Number(values.port), values.host);
  console.log(JSON.stringify({ agent: name, url: running.url, pid: process.pid }));
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      void running.close().then(() => process.exit(0));
    });
  }
}
