import { afterEach, beforeEach, expect, it } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { readEventBlocks } from "../../src/a2a/event-blocks.ts";
import { rpc } from "./clients.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { event, json, openStream, startRawAgent, task, type RawAgent } from "./raw-agent.ts";

let agent: RawAgent;
let gateway: TestGateway;
let url: string;

beforeEach(async () => {
  agent = await startRawAgent();
  gateway = await startGateway({
    a2a: { agents: { raw: { url: agent.url } }, keepAlive: "40ms", eventLimit: "64KiB" },
  });
  url = `${gateway.url}/a2a/raw`;
});
afterEach(async () => {
  await gateway.close();
  await agent.close();
});

const message = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };
const send = (signal?: AbortSignal) =>
  rpc(url, "alice", "SendStreamingMessage", message, { id: "one", ...(signal === undefined ? {} : { signal }) });
const withoutPings = (text: string) => text.replaceAll(": ping\n\n", "");

it("passes a stream on byte for byte: ids, comments, event names, unknown fields, numbers and line ends", async () => {
  const text =
    `: hello\n\nid: 7\ndata: {"jsonrpc":"2.0","id":"one","result":{"task":{"id":"t","contextId":"c","status":{"state":"TASK_STATE_WORKING"},"new":9007199254740993.0,"10":1,"2":2}}}\n\n` +
    `event: message\r\nid: 8\r\ndata: {"jsonrpc":"2.0",\r\ndata: "id":"one","result":{"statusUpdate":{"taskId":"t","contextId":"c","status":{"state":"TASK_STATE_COMPLETED"}}}}\r\n\r\n`;
  agent.answer = async (_body, response) => {
    openStream(response);
    for (const piece of text.match(/[\s\S]{1,23}/g) ?? []) {
      response.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  };
  const response = await send();
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(withoutPings(await response.text())).toBe(text);
  agent.answer = (body, answer) => json(answer, { jsonrpc: "2.0", id: body.id, result: task("t") });
  await rpc(url, "alice", "GetTask", { id: "t" });
  expect(gateway.records.at(-1)?.operation.variables.a2a?.task.state).toBe("TASK_STATE_COMPLETED");
});

it.each([
  ["between two events", ""],
  ["inside an event", 'data: {"jsonrpc":"2.0","id":"one","resu'],
])("ends a stream that breaks off %s with an error the client can see", async (_where, rest) => {
  agent.answer = (body, response) => {
    openStream(response);
    response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }) + rest, () => response.destroy());
  };
  const events = withoutPings(await (await send()).text())
    .trimEnd()
    .split("\n\n");
  expect(events).toHaveLength(2);
  expect(JSON.parse(events[1]?.slice(6) ?? "")).toMatchObject({
    jsonrpc: "2.0",
    id: "one",
    error: { code: -32603, data: [{ reason: "UPSTREAM_TRUNCATED", metadata: { retryable: "true" } }] },
  });
  expect(gateway.records.at(-1)).toMatchObject({ outcome: "failed", error: "upstream_truncated" });
});

it("treats an event without its blank line as broken off", async () => {
  agent.answer = (body, response) => {
    openStream(response);
    response.end(event(body.id, { task: task("t") }).trimEnd());
  };
  expect(await (await send()).text()).toContain("UPSTREAM_TRUNCATED");
});

it("refuses an event beyond the limit", async () => {
  agent.answer = (body, response) => {
    openStream(response);
    response.end(event(body.id, { task: { ...task("t"), filler: "x".repeat(70_000) } }));
  };
  const text = await (await send()).text();
  expect(text).toContain("65536 bytes");
  expect(text).not.toContain("xxx");
});

it("answers an error before the first event as plain JSON", async () => {
  agent.answer = (body, response) =>
    json(response, { jsonrpc: "2.0", id: body.id, error: { code: -32004, message: "no" } });
  const response = await send();
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({ jsonrpc: "2.0", id: "one", error: { code: -32004, message: "no" } });
});

it("keeps a silent stream open with comments", async () => {
  agent.answer = (body, response) => {
    openStream(response);
    response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }));
    setTimeout(
      () =>
        response.end(
          event(body.id, { statusUpdate: { taskId: "t", contextId: "c", status: { state: "TASK_STATE_COMPLETED" } } }),
        ),
      300,
    );
  };
  const blocks = (await (await send()).text()).trimEnd().split("\n\n");
  expect(blocks.filter((block) => block === ": ping").length).toBeGreaterThan(0);
  expect(blocks.at(-1)).toContain("TASK_STATE_COMPLETED");
});

it("closes the agent's stream when the client leaves", async () => {
  let closed = false;
  agent.answer = (body, response) => {
    openStream(response);
    response.on("close", () => (closed = true));
    response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }));
  };
  const abort = new AbortController();
  const response = await send(abort.signal);
  const reader = response.body?.getReader();
  await reader?.read();
  abort.abort();
  await expect.poll(() => closed).toBe(true);
  await expect.poll(() => gateway.records.at(-1)?.outcome).toBe("aborted");
});

it("says why it ends a stream whose credential has expired, and lets go of the agent", async () => {
  let closed = false;
  agent.answer = (body, response) => {
    openStream(response);
    response.on("close", () => (closed = true));
    response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }));
  };
  const response = await send();
  const text = response.text();
  await new Promise((resolve) => setTimeout(resolve, 50));
  gateway.abort(new GatewayError("unauthenticated", "The token has expired."));
  const events = withoutPings(await text)
    .trimEnd()
    .split("\n\n");
  expect(events).toHaveLength(2);
  expect(JSON.parse(events[1]?.slice(6) ?? "")).toMatchObject({
    id: "one",
    error: { message: "The token has expired." },
  });
  await expect.poll(() => closed).toBe(true);
});

it("does not read from the agent what the client does not read", async () => {
  let written = 0;
  let stalled = false;
  agent.answer = async (body, response) => {
    openStream(response);
    const chunk = event(body.id, {
      artifactUpdate: {
        taskId: "t",
        contextId: "c",
        artifact: { artifactId: "a", parts: [{ text: "x".repeat(60_000) }] },
      },
    });
    response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }));
    while (!response.destroyed && written < 100_000_000) {
      written += chunk.length;
      if (!response.write(chunk)) {
        const drained = await Promise.race([
          new Promise((resolve) => response.once("drain", () => resolve(true))),
          new Promise((resolve) => setTimeout(() => resolve(false), 400)),
        ]);
        if (drained === false) break;
      }
    }
    stalled = true;
    response.destroy();
  };
  const abort = new AbortController();
  await send(abort.signal);
  await expect.poll(() => stalled, { timeout: 20_000 }).toBe(true);
  // What fits into the socket buffers of two connections, not 100 MB.
  expect(written).toBeLessThan(50_000_000);
  abort.abort();
}, 30_000);

it("lets the steps change an event on its way back", async () => {
  gateway.answer = async ({ value, bytes, last }) => [
    {
      value,
      last,
      bytes: bytes.includes("secret") ? Buffer.from(bytes.toString().replace("secret", "[masked]")) : bytes,
    },
  ];
  agent.answer = (body, response) => {
    openStream(response);
    response.write(event(body.id, { task: task("t", "c", "TASK_STATE_WORKING") }));
    response.end(
      event(body.id, {
        artifactUpdate: { taskId: "t", contextId: "c", artifact: { artifactId: "a", parts: [{ text: "a secret" }] } },
      }),
    );
  };
  const text = withoutPings(await (await send()).text());
  expect(text).toContain("a [masked]");
  expect(text).not.toContain("secret");
});

it.each([
  ["behind a lone carriage return", (payload: string) => `: c\rdata: ${payload}\n\n`],
  ["behind a byte order mark", (payload: string) => `\uFEFFdata: ${payload}\n\n`],
  ["between lone carriage returns", (payload: string) => `data: ${payload}\r\r`],
  ["in what is no JSON", (payload: string) => `data: x${payload}\n\n`],
  ["in a text alone", (payload: string) => `data: ${JSON.stringify(payload)}\n\n`],
])("shows no client what the steps have not seen: %s", async (_where, write) => {
  const seen: string[] = [];
  gateway.answer = async ({ bytes }) => {
    seen.push(bytes.toString());
    return [];
  };
  agent.answer = (body, response) => {
    openStream(response);
    const parts = [{ text: "hidden" }];
    const update = { artifactUpdate: { taskId: "t", contextId: "c", artifact: { artifactId: "a", parts } } };
    response.end(write(JSON.stringify({ jsonrpc: "2.0", id: body.id, result: update })));
  };
  const text = withoutPings(await (await send()).text());
  expect(text).not.toContain("hidden");
  expect(seen.join("").includes("hidden") || text.includes("no JSON object")).toBe(true);
});

it("cuts blocks wherever the chunks end", async () => {
  const text = ":c\n\ndata: a\n\r\n\ndata: b\r\ndata: c\r\n\r\ndata:d\n\n";
  for (let size = 1; size < text.length; size++) {
    const blocks: string[] = [];
    const datas: string[] = [];
    for await (const block of readEventBlocks(chunksOf(text, size), 1_000)) {
      blocks.push(block.raw.toString());
      datas.push(block.data);
    }
    expect(blocks.join("")).toBe(text);
    expect(datas.filter((data) => data !== "")).toEqual(["a", "b\nc", "d"]);
  }
});

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}
