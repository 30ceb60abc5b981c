import { TaskState, type Task } from "@a2a-js/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveAgent, type RunningAgent } from "../../agents/serve.ts";
import { createWriterAgent } from "../../agents/writer/server.ts";
import { collect, kindsOf, officialClient, textMessage } from "./clients.ts";
import { startGateway, type TestGateway } from "./harness.ts";

let writer: RunningAgent;
let gateway: TestGateway;

beforeAll(async () => {
  writer = await serveAgent(createWriterAgent(), 0);
  gateway = await startGateway({ a2a: { agents: { writer: { url: writer.url } } } });
});
afterAll(async () => {
  await gateway.close();
  await writer.close();
});

const textOf = (task: Task) =>
  task.artifacts
    .flatMap(({ parts }) => parts.map(({ content }) => (content?.$case === "text" ? content.value : "")))
    .join("");

describe.each([
  ["1.0", false],
  ["0.3", true],
])("the official client in A2A %s through the gateway", (version, legacy) => {
  const connect = (caller: string) => officialClient(`${gateway.url}/a2a/writer`, caller, legacy);

  it("sends a message, and reads the task it began", async () => {
    const client = await connect("alice");
    const sent = (await client.sendMessage(textMessage("the sky is blue. light scatters"))) as Task;
    expect(textOf(sent)).toBe("The sky is blue. Light scatters.");
    const read = await client.getTask({ id: sent.id, tenant: "" });
    expect(read.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(gateway.records.at(-1)).toMatchObject({
      outcome: "ok",
      operation: {
        method: "GetTask",
        variables: { a2a: { version, task: { state: "TASK_STATE_COMPLETED", owner: "https://issuer.test alice" } } },
      },
    });
  });

  it("streams a task event by event", async () => {
    const client = await connect("alice");
    const events = await collect(client.sendMessageStream(textMessage("one. two. three", { metadata: { paceMs: 5 } })));
    expect(kindsOf(events)).toEqual([
      "task",
      "statusUpdate",
      "artifactUpdate",
      "artifactUpdate",
      "artifactUpdate",
      "statusUpdate",
    ]);
  });

  it("cancels a task that works, while a second stream watches it", async () => {
    const client = await connect("alice");
    const stream = client.sendMessageStream(textMessage("a. b. c. d. e. f. g. h", { metadata: { paceMs: 60 } }));
    const first = await stream.next();
    const payload = first.value?.payload;
    const id = payload?.$case === "task" ? payload.value.id : "";
    const watched = collect(client.resubscribeTask({ id, tenant: "" }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const canceled = await client.cancelTask({ id, tenant: "", metadata: undefined });
    expect(canceled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    const rest = await collect(stream);
    expect(rest.at(-1)?.payload).toMatchObject({ value: { status: { state: TaskState.TASK_STATE_CANCELED } } });
    expect((await watched).at(-1)?.payload).toMatchObject({
      value: { status: { state: TaskState.TASK_STATE_CANCELED } },
    });
  });

  it("tells a stranger nothing of a task", async () => {
    const alice = await connect("alice");
    const mallory = await connect("mallory");
    const { id } = (await alice.sendMessage(textMessage("mine"))) as Task;
    await expect(mallory.getTask({ id, tenant: "" })).rejects.toThrow(/not found/i);
    await expect(mallory.cancelTask({ id, tenant: "", metadata: undefined })).rejects.toThrow(/not found/i);
    await expect(collect(mallory.resubscribeTask({ id, tenant: "" }))).rejects.toThrow(/not found/i);
    await expect(mallory.sendMessage(textMessage("more", { taskId: id }))).rejects.toThrow(/not found/i);
  });

  it("is refused in its own error shape by policy", async () => {
    const client = await connect("alice");
    gateway.rule = (_principal, operation) => operation.variables.a2a?.message.parts.length === 0;
    try {
      await expect(client.sendMessage(textMessage("no"))).rejects.toThrow(/Policy does not allow this/);
      await expect(collect(client.sendMessageStream(textMessage("no")))).rejects.toThrow(/Policy does not allow this/);
    } finally {
      gateway.rule = () => true;
    }
    expect(gateway.records.at(-1)).toMatchObject({ outcome: "denied", error: "denied" });
  });
});

it("lists the caller's own tasks alone", async () => {
  const url = `${gateway.url}/a2a/writer`;
  const carol = await officialClient(url, "carol");
  const dave = await officialClient(url, "dave");
  const mine: string[] = [];
  for (let index = 0; index < 5; index++) {
    mine.push(((await carol.sendMessage(textMessage(`note ${index}`))) as Task).id);
    await dave.sendMessage(textMessage(`other ${index}`));
  }
  const listAll = {
    tenant: "",
    contextId: "",
    status: TaskState.TASK_STATE_UNSPECIFIED,
    pageSize: 2,
    pageToken: "",
    historyLength: 0,
    statusTimestampAfter: undefined,
    includeArtifacts: false,
  };
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await carol.listTasks({ ...listAll, pageToken });
    expect(page.totalSize).toBe(5);
    expect(page.tasks.length).toBeLessThanOrEqual(2);
    seen.push(...page.tasks.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(seen.toSorted()).toEqual(mine.toSorted());
});
