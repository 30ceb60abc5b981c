import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { afterEach, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { OperationContext } from "../../src/core/step.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";

let gateway: Harness;
afterEach(() => gateway.close());

const start = async (answer?: OperationContext["answer"]) =>
  (gateway = await startHarness({
    mcp: {
      servers: { progress: { command: ["node", "test/mcp/processes/progress-server.ts"], era: "session" } },
      routes: { "/mcp": { servers: ["progress"] } },
    },
    ...(answer === undefined ? {} : { answer }),
  }));

async function call(messages: number, text: string): Promise<IncomingMessage> {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: "one",
    method: "tools/call",
    params: {
      name: "work",
      arguments: { messages, text },
      _meta: {
        progressToken: "token",
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
      },
    },
  });
  const sent = request(gateway.url(), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "work",
    },
  });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return text;
}

const progressIn = (text: string) => [...text.matchAll(/"progress":(\d+)/g)].map(([, progress]) => Number(progress));

test("progress of a stdio server arrives in its order and before the answer, however long it is looked at", async () => {
  let looks = 0;
  await start(async (event) => {
    // The first takes the longest.
    for (let turn = 0; turn < 10 - looks; turn++) await new Promise((resolve) => setImmediate(resolve));
    looks++;
    return [event];
  });
  const text = await textOf(await call(8, "on my way"));
  expect(progressIn(text)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(text.trimEnd().split("\n\n").at(-1)).toContain('"id":"one"');
});

test("progress that a guard refuses ends this call alone, and the server is told", async () => {
  await start(async (event) => {
    if (event.bytes.includes("stuck")) throw new GatewayError("denied", "Not this.");
    return [event];
  });
  const refused = await textOf(await call(3, "stuck"));
  expect(refused).toContain("Not this.");
  expect(refused).not.toContain("stuck");
  expect(gateway.seen.at(-1)?.outcome).toBe("denied");
  expect(await textOf(await call(1, "fine"))).toContain("1 cancelled");
});

test("a caller who does not read is not told of all progress; the answer comes all the same", async () => {
  await start();
  const messages = 4_000;
  // 64 MB: more than any buffer on the way takes.
  const slow = await call(messages, "x".repeat(16_000));
  // The server has answered the first when it has answered the second: one pipe, in order.
  expect(await textOf(await call(1, "quick"))).toContain('"progress":1');
  const text = await textOf(slow);
  const seen = progressIn(text);
  expect(seen.length).toBeLessThan(messages);
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  expect(text.trimEnd().split("\n\n").at(-1)).toContain('"id":"one"');
});
