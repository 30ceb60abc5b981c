import { ResourceListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { childrenOf } from "./children-of.ts";
import { eventually } from "./eventually.ts";
import { closedRules, messages, noteFor, openRules, startReloadScene, type ReloadScene } from "./reload-scene.ts";

let scene: ReloadScene;

beforeAll(async () => {
  scene = await startReloadScene();
}, 60_000);
afterAll(() => scene.stop());

test("what did not change keeps its sessions, its processes and what they know", async () => {
  const { client, transport } = await scene.connect();
  const session = transport.sessionId;
  await client.callTool(noteFor("kept-over"));
  await client.callTool({ name: "list_files", arguments: {} });
  const children = childrenOf(scene.gateway.pid);
  expect(children).toHaveLength(1);

  expect(await scene.configure({ models: `  extra: {provider: vllm, url: "${scene.modelUrl}"}` })).toBe("applied");
  expect(await scene.setRules(closedRules("write_note"))).toBe("applied");
  expect(await scene.setRules(openRules)).toBe("applied");

  await client.callTool({ name: "list_files", arguments: {} });
  expect(childrenOf(scene.gateway.pid)).toEqual(children);
  const note = await client.callTool({ name: "read_note", arguments: { id: "kept-over" } });
  expect(JSON.stringify(note.content)).toContain("kept");
  expect(transport.sessionId).toBe(session);
  await client.close();
  expect(await scene.configure()).toBe("applied");
});

test("what is under way ends as it began, and what only it needed ends with it", async () => {
  const stream = await scene.openai().chat.completions.create({ model: "slow", messages, stream: true });
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  const { client } = await scene.connect();
  await client.callTool({ name: "list_files", arguments: {} });
  const former = childrenOf(scene.gateway.pid);
  let moved: () => void = () => {};
  const started = new Promise<void>((resolve) => (moved = resolve));
  const call = client.callTool({ name: "reindex", arguments: { steps: 50, stepMs: 120 } }, undefined, {
    onprogress: () => moved(),
  });
  await started;

  /* First a change that shares the handlers of the running call, then one that replaces them. */
  expect(await scene.setRules(closedRules("reindex"))).toBe("applied");
  const removed = scene.configuration({ mcp: ", /mcp/more: {servers: [files]}" }).replace(/^ {2}slow:.*$/m, "");
  expect(await scene.write(removed)).toBe("applied");
  await expect(scene.openai().chat.completions.create({ model: "slow", messages })).rejects.toThrow(
    OpenAI.NotFoundError,
  );

  expect(childrenOf(scene.gateway.pid)).toEqual(expect.arrayContaining([...former]));

  let finish: string | null | undefined;
  for (let next = await chunks.next(); !next.done; next = await chunks.next())
    finish = next.value.choices[0]?.finish_reason ?? finish;
  expect(finish).toBe("stop");
  expect(JSON.stringify((await call).content)).toContain("indexed");
  await client.close();
  await eventually(() => expect(childrenOf(scene.gateway.pid).filter((pid) => former.includes(pid))).toEqual([]), 200);
  expect(await scene.setRules(openRules)).toBe("applied");
  expect(await scene.configure()).toBe("applied");
});

test("a client that only listens is let go when its route is replaced, comes back and hears of what changes", async () => {
  const { client, transport } = await scene.connect();
  const session = transport.sessionId;
  const former = childrenOf(scene.gateway.pid);
  const changed: string[] = [];
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void changed.push("resources"));
  expect(await scene.configure({ mcp: ", /mcp/more: {servers: [files]}" })).toBe("applied");
  await eventually(() => expect(childrenOf(scene.gateway.pid).filter((pid) => former.includes(pid))).toEqual([]));
  await eventually(async () => {
    await client.callTool(noteFor(crypto.randomUUID()));
    expect(changed).toContain("resources");
  });
  expect(transport.sessionId).toBe(session);
  await client.close();
  expect(await scene.configure()).toBe("applied");
});
