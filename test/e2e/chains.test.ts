import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningAgent } from "../../agents/serve.ts";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { collect, officialClient, rpc, textMessage } from "../a2a/clients.ts";
import { eventually } from "./eventually.ts";
import { startForgetfulAgent } from "./forgetful-agent.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-chains-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
let samples: RunningSamples;
let forgetful: RunningAgent;
let gateway: ServeProcess;

beforeAll(async () => {
  const port = await freePorts();
  /* Two real researchers: each takes the other for the writer it hands its notes to. */
  const researcher = (name: string, writer: string) => ({
    name,
    script: "agents/researcher/server.ts",
    env: {
      SALLYPORT_URL: `http://127.0.0.1:${port}`,
      SALLYPORT_CLIENT_ID: name,
      SALLYPORT_CLIENT_SECRET: secret,
      SALLYPORT_WRITER: writer,
    },
  });
  samples = await startSamples(
    [
      { name: "notes", script: "tools/notes/server.ts" },
      { name: "model", script: "models/simulator/server.ts" },
      { name: "writer", script: "agents/writer/server.ts" },
      researcher("left", "right"),
      researcher("right", "left"),
    ],
    checkout,
  );
  forgetful = await startForgetfulAgent({
    gatewayUrl: `http://127.0.0.1:${port}`,
    token: () => gateway.token("forgetful", secret),
    next: "writer",
  });
  const client = '{secret: "${env:SECRET}", grants: [client_credentials, token_exchange]}';
  gateway = await startServeProcess(
    dir,
    port,
    `
listen: ${listenOn(port)}
auth: {embedded: {clients: {app: ${client}, left: ${client}, right: ${client}, forgetful: ${client}}}}
mcp: {servers: {notes: {url: "${samples.urls["notes"]}"}}, routes: {/mcp: {servers: [notes]}}}
a2a:
  agents:
    left: {url: "${samples.urls["left"]}", client: left}
    right: {url: "${samples.urls["right"]}", client: right}
    forgetful: {url: "${forgetful.url}", client: forgetful}
    writer: {url: "${samples.urls["writer"]}"}
models: {small: {provider: vllm, url: "${samples.urls["model"]}"}}
policies: open
drain: {grace: 1s}
`,
    { SECRET: secret },
  );
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  await forgetful.close();
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Entry {
  readonly chainId: string;
  readonly depth: number;
  readonly method: string;
  readonly outcome: string;
  readonly target: { readonly name: string };
  readonly decision?: { readonly rule: string; readonly reason?: string };
}
const journal = async (query: string) =>
  ((await (await gateway.admin(`/api/journal?limit=100&${query}`)).json()) as { records: readonly Entry[] }).records;

describe("agents that hand work in a circle", () => {
  test("are stopped before the first of them is asked again, and are told why", async () => {
    const client = await officialClient(`${gateway.url}/a2a/left`, await gateway.token("app", secret));
    const events = await collect(client.sendMessageStream(textMessage("What does note-1 say?")));
    const told = JSON.stringify(events);
    expect(told).toContain("hand the work back to left, which is already at it (left → right → left)");
    await eventually(async () => {
      const [refused] = await journal("outcome=denied");
      expect(refused).toMatchObject({
        method: "SendMessage",
        depth: 2,
        target: { name: "left" },
        decision: { rule: "no loops", reason: "handed in a circle: left, right, left" },
      });
      const handed = (await journal(`chain=${refused?.chainId}`)).filter(({ method }) => method.startsWith("Send"));
      expect(handed.map(({ target, depth }) => `${depth} ${target.name}`).sort()).toEqual([
        "0 left",
        "1 right",
        "2 left",
      ]);
      expect(await gateway.metric("sallyport_chain_loops_refused_total")).toBe(1);
    });
  });

  test("get an answer in the shape of A2A, which says that trying again is of no use", async () => {
    const response = await rpc(`${gateway.url}/a2a/left`, await gateway.token("left", secret), "SendMessage", {
      message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "me again" }] },
    });
    expect(response.status).toBe(403);
    expect(response.headers.get("x-should-retry")).not.toBe("true");
    expect(await response.json()).toMatchObject({
      jsonrpc: "2.0",
      id: 1,
      error: {
        message: expect.stringContaining("left → left"),
        data: [{ reason: "PERMISSION_DENIED", metadata: { refusal: "loop", agent: "left" } }],
      },
    });
  });
});

test("an agent that loses the trace context stays in the chain by the token that came with its message", async () => {
  const client = await officialClient(`${gateway.url}/a2a/forgetful`, await gateway.token("app", secret));
  const events = await collect(client.sendMessageStream(textMessage("one line")));
  expect(JSON.stringify(events)).toContain("One line.");
  await eventually(async () => {
    const [passedOn] = await journal("target=writer");
    expect(passedOn).toMatchObject({ method: "SendMessage", depth: 1 });
    const chain = await journal(`chain=${passedOn?.chainId}`);
    expect(chain.filter(({ depth }) => depth === 0).map(({ target }) => target.name)).toEqual(["forgetful"]);
  });
});
