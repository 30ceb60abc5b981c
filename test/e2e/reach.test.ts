import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { KEY, startServicesScene } from "../services/services-scene.ts";
import { startModels } from "./model-routes-scene.ts";

/** Something of the gateway's own machine that notes who comes. */
async function startNeighbour(): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(req.url ?? "");
    res.writeHead(200, { "content-type": "application/json" }).end('{"action":{"reason":"clean"}}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

/* A name, which no look at the configuration tells from any other. */
const scene = async (port: number, reach: string) => {
  const models = await startModels("it", "llama");
  const started = await startServicesScene(`
auth: {keys: {one: {secret: ${KEY}}}}
mcp: {servers: {tools: {url: "http://localhost:${port}/mcp"${reach}}}, routes: {/mcp: {servers: [tools]}}}
a2a: {agents: {writer: {url: "http://localhost:${port}/a2a"${reach}}}}
pools: {p: {engine: openai-compatible, endpoints: ["${models.url}"]}}
models: {llama: {pool: p}}
guardrails: [{type: webhook, url: "http://localhost:${port}/guard", on: [llm]${reach}}]
`);
  onTestFinished(async () => {
    await started.close();
    await models.close();
  });
  const post = (path: string, body: object) =>
    started.ask(path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${KEY}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "a2a-version": "1.0",
      },
      body: JSON.stringify(body),
    });
  return async () => {
    await post("/mcp", {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
    });
    const params = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };
    await post("/a2a/writer", { jsonrpc: "2.0", id: 1, method: "SendMessage", params });
    const { status } = await post("/v1/chat/completions", {
      model: "llama",
      messages: [{ role: "user", content: "hi" }],
    });
    return status;
  };
};

test("an upstream with `reach: network` never reaches the gateway's own machine, by whatever name", async () => {
  const neighbour = await startNeighbour();
  expect(await (await scene(neighbour.port, ", reach: network"))()).toBe(403);
  expect(neighbour.seen).toEqual([]);
  /* As all three do without. */
  expect(await (await scene(neighbour.port, ""))()).toBe(200);
  expect(neighbour.seen).toEqual(expect.arrayContaining(["/mcp", "/guard/request"]));
  expect(neighbour.seen.some((path) => path.startsWith("/a2a"))).toBe(true);
});
