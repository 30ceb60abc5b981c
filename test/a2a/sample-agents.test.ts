import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { TaskState, type Task } from "@a2a-js/sdk";
import { ClientFactory } from "@a2a-js/sdk/client";
import { expect, it } from "vitest";
import { textMessage } from "./clients.ts";

/** Runs a sample as the README says, talks to it, and ends it. */
async function withAgent<T>(name: string, env: Record<string, string>, use: (url: string) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [`agents/${name}/server.ts`, "--port", "0"], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { agent, url } = JSON.parse(line) as { agent: string; url: string };
    expect(agent).toBe(name);
    return await use(url);
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect((await ended)[0]).toBe(0);
  }
}

it("the writer runs by itself, says where it is and ends on SIGTERM", async () => {
  await withAgent("writer", {}, async (url) => {
    const client = await new ClientFactory().createFromUrl(`${url}/`);
    const task = (await client.sendMessage(textMessage("- one thing\n- another"))) as Task;
    expect(task.artifacts[0]?.parts.map(({ content }) => content?.value)).toEqual(["One thing. ", "Another."]);
  });
});

it.each([
  [{}, /SALLYPORT_URL is not set/],
  [
    { SALLYPORT_URL: "http://127.0.0.1:9", SALLYPORT_CLIENT_ID: "r", SALLYPORT_CLIENT_SECRET: "s" },
    /cannot reach the gateway at http:\/\/127.0.0.1:9/,
  ],
])("the researcher says what keeps it from working: %j", async (env, message) => {
  await withAgent("researcher", env, async (url) => {
    const client = await new ClientFactory().createFromUrl(`${url}/`);
    const task = (await client.sendMessage(textMessage("what does note-7 say?"))) as Task;
    expect(task.status?.state).toBe(TaskState.TASK_STATE_FAILED);
    expect(task.status?.message?.parts[0]?.content?.value).toMatch(message);
  });
});
