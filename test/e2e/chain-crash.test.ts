import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { rpc } from "../a2a/clients.ts";
import { eventually } from "./eventually.ts";
import { says, startProvider } from "./fallback-scene.ts";
import { startScriptedAgent } from "./scripted-agent.ts";
import { listenOn, startServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-chain-crash-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
const open: { close(): Promise<unknown> }[] = [];
afterAll(async () => {
  for (const each of open.toReversed()) await each.close();
  rmSync(dir, { recursive: true, force: true });
});

test("an agent goes on with its chain, by trace and by token, though the gateway was killed meanwhile", async () => {
  const model = await startProvider(says("so be it"));
  /* It is at work for a long time, and calls back much later. */
  const agent = await startScriptedAgent("planner", () => new Promise(() => {}));
  open.push(model, agent);
  const port = await freePorts();
  const serve = () =>
    startServeProcess(
      dir,
      port,
      `
listen: ${listenOn(port)}
auth: {embedded: {clients: {app: {secret: "\${env:SECRET}"}, planner: {secret: "\${env:SECRET}"}}}}
a2a: {agents: {planner: {url: "${agent.url}", client: planner}}}
models: {small: {provider: vllm, url: "${model.url}"}}
policies: open
`,
      { SECRET: secret },
    );
  const first = await serve();
  const message = { messageId: "m", role: "ROLE_USER", parts: [{ text: "plan" }] };
  const sent = rpc(`${first.url}/a2a/planner`, await first.token("app", secret), "SendMessage", { message });
  const broken = sent.then(
    () => "answered",
    () => "broken",
  );
  await eventually(() => expect(agent.handed).toHaveLength(1));
  await first.kill();
  expect(await broken).toBe("broken");

  const second = await serve();
  open.push({ close: () => second.stop() });
  const { traceparent, token } = agent.handed[0]!;
  for (const headers of [{ traceparent }, { "x-sallyport-chain": token }]) {
    const response = await fetch(`${second.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        ...headers,
        authorization: `Bearer ${await second.token("planner", secret)}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ model: "small", messages: [{ role: "user", content: JSON.stringify(headers) }] }),
    });
    expect(response.status).toBe(200);
    const id = response.headers.get("x-request-id");
    await eventually(async () => {
      const page = await (await second.admin(`/api/journal?request=${id}`)).json();
      expect(page).toMatchObject({ records: [{ depth: 1, path: ["planner"], chainId: traceparent.split("-")[1] }] });
    });
  }
}, 60_000);
