import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { expect, onTestFinished, test } from "vitest";
import { json, startRawAgent } from "../a2a/raw-agent.ts";
import { startServer } from "../mcp/start-server.ts";
import { KEY, type ServicesScene, startServicesScene } from "../services/services-scene.ts";

const OWN = "sp_0123456789abcdef_" + "o".repeat(43);

/** One call for each tenant: of tools of two servers on one path, of which `red` is the first's tenant, and of an agent of tenant `green`. */
async function startScene(): Promise<ServicesScene> {
  const [notes, agent] = await Promise.all([startServer("tools/notes/server.ts"), startRawAgent()]);
  agent.answer = (body, response) =>
    json(response, {
      jsonrpc: "2.0",
      id: body.id,
      result: { message: { messageId: "1", role: "ROLE_AGENT", parts: [{ text: "hi" }] } },
    });
  const scene = await startServicesScene(`
auth: {keys: {nobody: {secret: ${KEY}}, owner: {secret: ${OWN}, tenant: own}}}
mcp:
  servers:
    one: {url: "${notes.url}", tenant: red}
    two: {url: "${notes.url}", tenant: blue}
    common: {url: "${notes.url}"}
  routes: {/mcp: {servers: [one, two, common], prefix: always}}
a2a: {agents: {writer: {url: "${agent.url}", tenant: green}}}
budgets: [{name: each, per: tenant, limits: ["1 call/48h"]}]
`);
  onTestFinished(async () => {
    await scene.close();
    await Promise.all([notes.close(), agent.close()]);
  });
  return scene;
}

async function connect({ port }: ServicesScene, key: string): Promise<(tool: string) => Promise<"ok" | "refused">> {
  const client = new Client({ name: "test", version: "1.0.0" });
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  const headers = { authorization: `Bearer ${key}` };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  onTestFinished(() => client.close());
  return async (name) =>
    (await client.callTool({ name, arguments: { id: "note-1" } })).isError === true ? "refused" : "ok";
}

async function send({ port }: ServicesScene, key: string): Promise<"ok" | "refused"> {
  const params = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };
  const answer = await fetch(`http://127.0.0.1:${port}/a2a/writer`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "a2a-version": "1.0" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params }),
  });
  return (await answer.text()).includes("BUDGET_EXHAUSTED") ? "refused" : "ok";
}

test("a call of a tool or an agent is for its tenant where the caller has none, whichever path offers it", async () => {
  const scene = await startScene();
  const call = await connect(scene, KEY);
  expect([await call("one__read_note"), await call("one__read_note")]).toEqual(["ok", "refused"]);
  expect([await call("two__read_note"), await call("two__read_note")]).toEqual(["ok", "refused"]);
  /* Nobody's: no tenant's counter holds. */
  expect([await call("common__read_note"), await call("common__read_note")]).toEqual(["ok", "ok"]);
  expect([await send(scene, KEY), await send(scene, KEY)]).toEqual(["ok", "refused"]);

  const { journal } = scene.gateway.foundation;
  await journal.flush();
  const { records } = await journal.query({ limit: 50 });
  const counted = records
    .filter(({ outcome, target }) => outcome === "ok" && ["tool", "agent"].includes(target.kind))
    .map(({ target, tenant = "none", principal }) => `${target.server}: ${tenant}${principal.tenant}`);
  expect(counted.toSorted((one, other) => one.localeCompare(other))).toEqual([
    "common: none",
    "common: none",
    "one: red",
    "two: blue",
    "writer: green",
  ]);
});

test("a caller's own tenant comes first", async () => {
  const scene = await startScene();
  const call = await connect(scene, OWN);
  expect([await call("one__read_note"), await call("two__read_note")]).toEqual(["ok", "refused"]);
  expect(await send(scene, OWN)).toBe("refused");
  expect(await (await connect(scene, KEY))("two__read_note")).toBe("ok");
});

test("what a caller has begun with an agent stays its own when the agent is given to a tenant", async () => {
  const agent = await startRawAgent();
  const task = { id: "t-1", contextId: "c-1", status: { state: "TASK_STATE_WORKING" } };
  agent.answer = (body, response) =>
    json(response, { jsonrpc: "2.0", id: body.id, result: body.method === "GetTask" ? task : { task } });
  const configured = (tenant: string) =>
    `auth: {keys: {nobody: {secret: ${KEY}}, other: {secret: ${OWN}}}}\na2a: {agents: {writer: {url: "${agent.url}"${tenant}}}}`;
  const scene = await startServicesScene(configured(""));
  onTestFinished(async () => {
    await scene.close();
    await agent.close();
  });
  const rpc = async (key: string, method: string, params: object) => {
    const answer = await fetch(`http://127.0.0.1:${scene.port}/a2a/writer`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "a2a-version": "1.0" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    return answer.text();
  };
  const begin = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };
  expect(await rpc(KEY, "SendMessage", begin)).toContain("t-1");
  await scene.reload(configured(", tenant: green"));
  expect(await rpc(KEY, "GetTask", { id: "t-1" })).toContain("TASK_STATE_WORKING");
  expect(await rpc(OWN, "GetTask", { id: "t-1" })).toContain("TASK_NOT_FOUND");
});
