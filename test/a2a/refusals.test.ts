import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rpc } from "./clients.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { event, json, openStream, startRawAgent, task, type RawAgent } from "./raw-agent.ts";

let agent: RawAgent;
let gateway: TestGateway;
let url: string;

beforeEach(async () => {
  agent = await startRawAgent();
  gateway = await startGateway({
    a2a: {
      agents: {
        raw: { url: agent.url, credentials: { bearer: "of-the-gateway" }, client: "raw-client", timeout: "2s" },
        gone: { url: "http://127.0.0.1:9", versions: ["1.0"] },
      },
    },
  });
  url = `${gateway.url}/a2a/raw`;
});
afterEach(async () => {
  await gateway.close();
  await agent.close();
});

const message = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };

describe("an agent the caller may not see looks like one that does not exist", () => {
  const bodies: readonly (readonly [string, string])[] = [
    ["a message", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: message })],
    ["a task", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "GetTask", params: { id: "t" } })],
    ["a list", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ListTasks", params: {} })],
    [
      "push",
      JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ListTaskPushNotificationConfigs", params: { taskId: "t" } }),
    ],
    ["an unknown method", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "Explode" })],
    ["an unsupported version", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "message/send", params: message })],
    ["garbage", "{"],
  ];
  it.each(bodies)("for %s", async (name, body) => {
    gateway.rule = (_principal, operation) => operation.target.server !== "raw";
    const version: Record<string, string> = name === "an unsupported version" ? {} : { "a2a-version": "1.0" };
    const answers = await Promise.all(
      ["raw", "nix"].map(async (agentName) => {
        const response = await fetch(`${gateway.url}/a2a/${agentName}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...version },
          body,
        });
        return [response.status, (await response.text()).replaceAll(agentName, "NAME")];
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(agent.seen).toEqual([]);
  });
});

it("answers 403 where the agent may be seen and the call may not be made", async () => {
  gateway.rule = (_principal, operation) =>
    operation.method === "SendMessage" && operation.variables.a2a?.message.parts.length === 0;
  const response = await rpc(url, "alice", "SendMessage", message);
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({
    id: 1,
    error: { data: [{ reason: "PERMISSION_DENIED", domain: "sallyport" }] },
  });
});

describe("what goes wrong behind the gateway is the gateway's to tell, without the agent's words", () => {
  const rows: readonly (readonly [string, RawAgent["answer"], number, number])[] = [
    [
      "a refusal of the gateway's credential",
      (_body, response) => void response.writeHead(401, { "www-authenticate": "Bearer secret" }).end("secret"),
      502,
      -32006,
    ],
    ["a redirect", (_body, response) => void response.writeHead(302, { location: "http://secret" }).end(), 502, -32006],
    [
      "an answer that is not JSON",
      (_body, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>secret</h1>"),
      502,
      -32006,
    ],
    ["an answer that is not JSON-RPC", (_body, response) => json(response, { secret: 1 }), 502, -32006],
    ["a crash page", (_body, response) => void response.writeHead(500).end("secret stack"), 502, -32603],
    ["a broken connection", (_body, response) => void response.destroy(), 502, -32603],
    ["silence", () => {}, 504, -32603],
  ];
  it.each(rows)("%s", async (_name, answer, status, code) => {
    agent.answer = answer;
    const response = await rpc(url, "alice", "SendMessage", message);
    const text = await response.text();
    expect(response.status).toBe(status);
    expect(JSON.parse(text)).toMatchObject({ id: 1, error: { code } });
    expect(text).not.toContain("secret");
    expect(response.headers.get("www-authenticate")).toBeNull();
  });

  it("an agent that is not there", async () => {
    const response = await rpc(`${gateway.url}/a2a/gone`, "alice", "SendMessage", message);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { code: -32603, data: [{ reason: "UPSTREAM_UNAVAILABLE", metadata: { retryable: "true" } }] },
    });
  });
});

describe("an answer that goes out as it came still says to the gateway how it went", () => {
  const error = { code: -32603, message: "no" };
  const rows: readonly (readonly [string, object, string | undefined])[] = [
    ["an error", { error }, "refused"],
    ["a task that was rejected", { result: { task: task("t", "c", "TASK_STATE_REJECTED") } }, "refused"],
    ["a task that failed", { result: { task: task("t", "c", "TASK_STATE_FAILED") } }, "failed"],
    ["a task that is done", { error: null, result: { task: task("t") } }, undefined],
  ];
  it.each(rows)("%s", async (_name, answer, complaint) => {
    agent.answer = (body, response) => json(response, { jsonrpc: "2.0", id: body.id, ...answer });
    expect((await rpc(url, "alice", "SendMessage", message)).status).toBe(200);
    expect(gateway.records).toMatchObject([{ outcome: "ok", complaint }]);
  });

  it("in a stream too", async () => {
    agent.answer = (body, response) => {
      openStream(response);
      response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }));
      const status = { state: "TASK_STATE_FAILED" };
      response.end(event(body.id, { statusUpdate: { taskId: "t", contextId: "c", status } }));
    };
    await (await rpc(url, "alice", "SendStreamingMessage", message)).text();
    expect(gateway.records).toMatchObject([{ outcome: "ok", complaint: "failed" }]);
  });
});
