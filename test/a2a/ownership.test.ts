import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { openStore } from "../../src/state/state.ts";
import { stateConfig } from "../../src/state/config.ts";
import { rpc } from "./clients.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { event, json, openStream, startRawAgent, task, type RawAgent } from "./raw-agent.ts";

let agent: RawAgent;
let gateway: TestGateway;
let url: string;

beforeEach(async () => {
  agent = await startRawAgent();
  gateway = await startGateway({ a2a: { agents: { raw: { url: agent.url } } } });
  url = `${gateway.url}/a2a/raw`;
});
afterEach(async () => {
  await gateway.close();
  await agent.close();
});

const message = (more: Record<string, unknown> = {}) => ({
  message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }], ...more },
});

/** Lets `caller` begin a task with this id. */
async function begin(caller: string, id: string, contextId = "c"): Promise<void> {
  agent.answer = (body, response) =>
    json(response, { jsonrpc: "2.0", id: body.id, result: { task: task(id, contextId, "TASK_STATE_WORKING") } });
  const response = await rpc(url, caller, "SendMessage", message());
  expect(response.status).toBe(200);
  agent.seen.length = 0;
}

describe("a stranger's task and a task that does not exist get the same bytes, and the agent is not asked", () => {
  const requests: readonly (readonly [string, (id: string) => unknown, (id: string) => Record<string, unknown>])[] = [
    ["GetTask", (id) => ({ id }), () => ({})],
    ["CancelTask", (id) => ({ id }), () => ({})],
    ["SubscribeToTask", (id) => ({ id }), () => ({})],
    ["SendMessage", (id) => message({ taskId: id }), () => ({})],
    ["SendStreamingMessage", (id) => message({ taskId: id }), () => ({})],
    ["SendMessage", (id) => message({ referenceTaskIds: ["own", id] }), () => ({})],
  ];
  it.each(requests)("%s", async (method, params) => {
    await begin("alice", "their-task-1");
    await begin("mallory", "own", "d");
    const bodies: string[] = [];
    for (const id of ["their-task-1", "none-task-12"]) {
      const response = await rpc(url, "mallory", method, params(id));
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("application/json");
      bodies.push((await response.text()).replaceAll(id, "ID"));
    }
    expect(bodies[0]).toBe(bodies[1]);
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
      id: 1,
      error: { code: -32001, data: [{ reason: "TASK_NOT_FOUND", domain: "a2a-protocol.org" }] },
    });
    expect(agent.seen).toEqual([]);
  });
});

it("finds a task under the other name that protobuf knows a field by", async () => {
  await begin("alice", "t");
  for (const more of [{ task_id: "t" }, { reference_task_ids: ["t"] }]) {
    const response = await rpc(url, "mallory", "SendMessage", message(more));
    expect(await response.json()).toMatchObject({ error: { code: -32001 } });
  }
  const response = await rpc(url, "mallory", "SendMessage", message({ context_id: "c" }));
  expect(await response.json()).toMatchObject({ error: { code: -32602 } });
  expect(agent.seen).toEqual([]);
});

it("refuses every further spelling of a field that names a task, and two names at once", async () => {
  await begin("alice", "t");
  for (const more of [{ TaskID: "t" }, { taskid: "t" }, { Context_Id: "c" }, { task_id: "t", taskId: "own" }]) {
    const response = await rpc(url, "mallory", "SendMessage", message(more));
    expect(await response.json()).toMatchObject({ error: { code: -32602 } });
  }
  expect(agent.seen).toEqual([]);
});

it("keeps a context for whoever named it first", async () => {
  await begin("alice", "t", "made-by-agent");
  agent.answer = (body, response) =>
    json(response, { jsonrpc: "2.0", id: body.id, result: { task: task(`of-${String(body.id)}`, "made-by-client") } });
  const first = await rpc(url, "alice", "SendMessage", message({ contextId: "made-by-client" }), { id: "a" });
  expect(await first.json()).toMatchObject({ result: { task: { id: "of-a" } } });
  agent.seen.length = 0;
  for (const contextId of ["made-by-agent", "made-by-client"]) {
    const refused = await rpc(url, "mallory", "SendMessage", message({ contextId }));
    expect(await refused.json()).toMatchObject({
      error: { code: -32602, message: expect.stringContaining("contextId") },
    });
    const listed = await rpc(url, "mallory", "ListTasks", { contextId });
    expect(await listed.json()).toMatchObject({ result: { tasks: [], totalSize: 0, nextPageToken: "" } });
  }
  expect(agent.seen).toEqual([]);
});

it("gives a context that two callers name at once to one of them", async () => {
  agent.answer = (body, response) =>
    json(response, { jsonrpc: "2.0", id: body.id, result: { task: task(`t-${String(body.id)}`, "race") } });
  const answers = await Promise.all(
    ["alice", "mallory"].map(
      async (caller) =>
        (
          await rpc(url, caller, "SendMessage", message({ contextId: "race" }), { id: caller })
        ).json() as Promise<object>,
    ),
  );
  expect(answers.filter((answer) => "result" in answer)).toHaveLength(1);
});

it("leaves what a list holds as the agent wrote it", async () => {
  await begin("alice", "a1");
  await begin("mallory", "m1", "d");
  await begin("alice", "a2");
  const own = (id: string) =>
    `{ "id":"${id}","contextId":"c","status":{"state":"TASK_STATE_WORKING"},"new":9007199254740993.0 }`;
  agent.answer = ({ params }, response) => {
    const tasks = params.pageToken === "2" ? own("a2") : `${own("a1")},${own("m1")}`;
    const next = params.pageToken === "2" ? "" : "2";
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      `{"jsonrpc":"2.0","id":1.0,"result":{"tasks":[${tasks}],"nextPageToken":"${next}","pageSize":2,"totalSize":3,"more":1.0}}`,
    );
  };
  const response = await rpc(url, "alice", "ListTasks", { pageSize: 2 });
  expect(await response.text()).toBe(
    `{"jsonrpc":"2.0","id":1.0,"result":{"tasks":[${own("a1")},${own("a2")}],"nextPageToken":"","pageSize":2,"totalSize":2,"more":1.0}}`,
  );
  expect(agent.seen.map(({ body }) => (JSON.parse(body) as { params: object }).params)).toEqual([
    { pageSize: 2 },
    { pageSize: 1, pageToken: "2" },
  ]);
});

it("does not pass on a task of another caller that an agent answers with", async () => {
  await begin("alice", "t");
  agent.answer = (body, response) =>
    json(response, {
      jsonrpc: "2.0",
      id: body.id,
      result: { task: { ...task("t"), artifacts: [{ secret: "of alice" }] } },
    });
  const response = await rpc(url, "mallory", "SendMessage", message());
  expect(response.status).toBe(502);
  expect(await response.text()).not.toContain("of alice");
});

it("learns the task of a call whose caller has gone", async () => {
  let finish = () => {};
  const asked = new Promise<void>((resolve) => {
    agent.answer = (body, response) => {
      finish = () => json(response, { jsonrpc: "2.0", id: body.id, result: { task: task("orphan") } });
      resolve();
    };
  });
  const abort = new AbortController();
  const sent = rpc(url, "alice", "SendMessage", message(), { signal: abort.signal });
  await asked;
  abort.abort();
  await expect(sent).rejects.toThrow(/abort/i);
  await expect.poll(() => gateway.records.at(-1)?.outcome).toBe("aborted");
  finish();
  agent.answer = (body, response) => json(response, { jsonrpc: "2.0", id: body.id, result: task("orphan") });
  await expect
    .poll(async () => (await rpc(url, "alice", "GetTask", { id: "orphan" })).json())
    .toMatchObject({ result: { id: "orphan" } });
  expect(await (await rpc(url, "mallory", "GetTask", { id: "orphan" })).json()).toMatchObject({
    error: { code: -32001 },
  });
});

it("learns the task of a stream whose caller has gone before the first event, and lets go of the stream then", async () => {
  let proceed = () => {};
  let closed = false;
  const asked = new Promise<void>((resolve) => {
    agent.answer = (body, response) => {
      openStream(response);
      response.on("close", () => (closed = true));
      proceed = () => response.write(event(body.id, { task: task("streamed", "c", "TASK_STATE_WORKING") }));
      resolve();
    };
  });
  const abort = new AbortController();
  const opened = rpc(url, "alice", "SendStreamingMessage", message(), { signal: abort.signal });
  await asked;
  await opened.catch(() => {});
  abort.abort();
  await expect.poll(() => gateway.records.at(-1)?.outcome).toBe("aborted");
  expect(closed).toBe(false);
  proceed();
  await expect.poll(() => closed).toBe(true);
  agent.answer = (body, response) => json(response, { jsonrpc: "2.0", id: body.id, result: task("streamed") });
  await expect
    .poll(async () => (await rpc(url, "alice", "GetTask", { id: "streamed" })).json())
    .toMatchObject({ result: { id: "streamed" } });
});

it("gives up on a stream without a caller that never shows a task", async () => {
  await gateway.close();
  gateway = await startGateway({ a2a: { agents: { raw: { url: agent.url, timeout: "300ms" } } } });
  let closed = false;
  const asked = new Promise<void>((resolve) => {
    agent.answer = (_body, response) => {
      openStream(response);
      response.on("close", () => (closed = true));
      resolve();
    };
  });
  const abort = new AbortController();
  const opened = rpc(`${gateway.url}/a2a/raw`, "alice", "SendStreamingMessage", message(), { signal: abort.signal });
  await asked;
  await opened.catch(() => {});
  abort.abort();
  await expect.poll(() => gateway.records.at(-1)?.outcome).toBe("aborted");
  expect(closed).toBe(false);
  await expect.poll(() => closed, { timeout: 3_000 }).toBe(true);
});

it("remembers owners over a restart", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-a2a-"));
  try {
    const config = stateConfig.state.parse(join(directory, "state.db"));
    const answers: unknown[] = [];
    for (const round of [1, 2]) {
      const store = await openStore(config, { clock: systemClock, log: silentLog });
      const restarted = await startGateway({ a2a: { agents: { raw: { url: agent.url } } }, store });
      const at = `${restarted.url}/a2a/raw`;
      if (round === 1) {
        agent.answer = (body, response) =>
          json(response, { jsonrpc: "2.0", id: body.id, result: { task: task("kept") } });
        await (await rpc(at, "alice", "SendMessage", message())).text();
      } else {
        agent.answer = (body, response) => json(response, { jsonrpc: "2.0", id: body.id, result: task("kept") });
        for (const caller of ["alice", "mallory"])
          answers.push(await (await rpc(at, caller, "GetTask", { id: "kept" })).json());
      }
      await restarted.close();
      await store.close();
    }
    expect(answers).toMatchObject([{ result: { id: "kept" } }, { error: { code: -32001 } }]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
