import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { eventually } from "./eventually.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { rpc } from "../a2a/clients.ts";
import {
  closedRules,
  messages,
  noteFor,
  openRules,
  reload,
  startReloadScene,
  type ReloadScene,
} from "./reload-scene.ts";
import { listenOn, startServeProcess } from "./serve-process.ts";

let scene: ReloadScene;

beforeAll(async () => {
  scene = await startReloadScene();
}, 60_000);
afterAll(() => scene.stop());

test("a policy that changes is in force within moments, and no request fails meanwhile", async () => {
  const { client } = await scene.connect();
  const failures: unknown[] = [];
  let done = 0;
  let running = true;
  const keepAsking = async (ask: () => Promise<unknown>) => {
    while (running) {
      await ask().then(
        () => done++,
        (error: unknown) => failures.push(error),
      );
      await delay(5);
    }
  };
  const askers = Promise.all([
    keepAsking(() => client.callTool({ name: "read_note", arguments: { id: "note-1" } })),
    keepAsking(() => scene.openai().chat.completions.create({ model: "small", messages, max_tokens: 3 })),
    keepAsking(async () => {
      const answer = await rpc(`${scene.gateway.url}/a2a/writer`, scene.token, "GetTask", { id: "nobody's" });
      expect(((await answer.json()) as { error: { code: number } }).error.code).toBe(-32001);
    }),
  ]);
  const attempt = () => client.callTool(noteFor("9")).then(JSON.stringify, (error: Error) => error.message);
  expect(await attempt()).toContain("kept 9");
  expect(await scene.setRules(closedRules("write_note"))).toBe("applied");
  expect(await attempt()).not.toContain("kept 9");
  expect(await scene.setRules(openRules)).toBe("applied");
  expect(await attempt()).toContain("kept 9");
  running = false;
  await askers;
  expect(failures).toEqual([]);
  expect(done).toBeGreaterThan(20);
  await client.close();
});

test("a file that cannot be honoured changes nothing, and the log says where it is wrong and what was meant", async () => {
  const { client } = await scene.connect();
  const works = async () => {
    expect(JSON.stringify(await client.callTool(noteFor("8")))).toContain("kept 8");
    expect((await scene.openai().models.list()).data.map((model) => model.id)).toEqual(["small", "slow"]);
  };
  expect(await scene.write(`${scene.configuration()}\nmodels: [`)).toBe("refused");
  await eventually(() => expect(scene.gateway.output()).toMatch(/the changed configuration is refused/));
  await works();

  expect(await scene.configure({ more: "modles: {other: {provider: vllm, url: 'http://127.0.0.1:9'}}" })).toBe(
    "refused",
  );
  await eventually(() => expect(scene.gateway.output()).toContain("modles"));
  await eventually(() => expect(scene.gateway.output()).toContain('did you mean \\"models\\"'));
  await works();

  expect(
    await scene.configure({ models: "  new: {provider: vllm, url: 'http://127.0.0.1:9', key: '${env:NO_SUCH}'}" }),
  ).toBe("refused");
  await eventually(() => expect(scene.gateway.output()).toContain("NO_SUCH"));
  await works();

  expect(await scene.configure()).toBe("applied");
  expect(await scene.setRules(`rules: [{name: typo, on: mcp, allow: 'mcp.tool.nmae == "x"'}]\n`)).toBe("refused");
  await eventually(() => expect(scene.gateway.output()).toContain("did you mean mcp.tool.name?"));
  await works();
  expect(await scene.setRules(openRules)).toBe("applied");
  await works();
  expect(scene.gateway.output()).not.toContain(scene.secret);
  await client.close();
});

test("routes, agents and models come and go with their metadata", async () => {
  const metadata = (path: string) => fetch(`${scene.gateway.url}/.well-known/oauth-protected-resource${path}`);
  const paths = ["/mcp/safe", "/a2a/second"];
  for (const path of paths) expect((await metadata(path)).status).toBe(404);
  const { client, transport } = await scene.connect();
  const session = transport.sessionId;

  expect(
    await scene.configure({
      mcp: ", /mcp/safe: {servers: [files], tools: [read_*]}",
      agents: `, second: {url: "${scene.agentUrl}"}`,
      models: `  extra: {provider: vllm, url: "${scene.modelUrl}"}`,
    }),
  ).toBe("applied");
  for (const path of paths)
    expect(await (await metadata(path)).json()).toMatchObject({ resource: `${scene.gateway.url}${path}` });
  const safe = await scene.connect("/mcp/safe");
  expect((await safe.client.listTools()).tools.map((tool) => tool.name)).toEqual(["read_file"]);
  await safe.client.close();
  expect((await fetch(`${scene.gateway.url}/a2a/second/.well-known/agent-card.json`)).status).toBe(200);
  expect((await scene.openai().models.list()).data.map((model) => model.id)).toEqual(["small", "slow", "extra"]);
  expect((await scene.openai().chat.completions.create({ model: "extra", messages })).model).toBe("extra");

  expect(JSON.stringify(await client.callTool(noteFor("7")))).toContain("kept 7");
  expect(transport.sessionId).toBe(session);
  await client.close();

  expect(await scene.configure()).toBe("applied");
  for (const path of paths) expect((await metadata(path)).status).toBe(404);
  await expect(scene.connect("/mcp/safe")).rejects.toThrow();
  await expect(scene.openai().chat.completions.create({ model: "extra", messages })).rejects.toThrow(
    OpenAI.NotFoundError,
  );
});

test("what a process binds or opens once is refused with a word on the restart, and nothing of that file is taken up", async () => {
  const { port } = scene;
  const listen = listenOn(port).replace(`port: ${port},`, `port: ${port + 7},`);
  const models = `  extra: {provider: vllm, url: "${scene.modelUrl}"}`;
  expect(await scene.configure({ listen, models })).toBe("refused");
  await eventually(() => expect(scene.gateway.output()).toMatch(/listen: changes here need a restart/));
  const moved = scene.configuration().replace("publicUrl: http://127.0.0.1", "publicUrl: http://localhost");
  expect(await scene.write(moved)).toBe("refused");
  await eventually(() => expect(scene.gateway.output()).toMatch(/publicUrl: changes here need a restart/));
  expect((await scene.openai().models.list()).data.map((model) => model.id)).toEqual(["small", "slow"]);
});

test("a mounted folder whose link is swapped, as Kubernetes does, is taken up whole", async () => {
  const mount = join(scene.dir, "mount");
  const listenPort = await freePorts();
  const yamlFor = (model: string) => `
publicUrl: http://127.0.0.1:${listenPort}
listen: ${listenOn(listenPort)}
auth: {anonymous: true}
models: {${model}: {provider: vllm, url: "${scene.modelUrl}"}}
policies: ./rules
state: memory
`;
  const swap = (folder: string, version: string, files: Record<string, string>) => {
    mkdirSync(join(folder, `..${version}`), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `..${version}`, name), text);
    symlinkSync(`..${version}`, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  swap(mount, "v1", { "sallyport.yaml": yamlFor("first") });
  swap(join(mount, "rules"), "v1", { "rules.yaml": openRules });
  symlinkSync("..data/sallyport.yaml", join(mount, "sallyport.yaml"));
  symlinkSync("..data/rules.yaml", join(mount, "rules", "rules.yaml"));
  const mounted = await startServeProcess(mount, listenPort, yamlFor("first"));
  const models = async () => {
    const { data } = (await (await fetch(`${mounted.url}/v1/models`)).json()) as { data: { id: string }[] };
    return data.map((model) => model.id);
  };
  try {
    expect(await models()).toEqual(["first"]);
    const second = { "sallyport.yaml": yamlFor("second") };
    expect(await reload(mounted, () => swap(mount, "v2", second))).toBe("applied");
    expect(await models()).toEqual(["second"]);
    const none = { "rules.yaml": openRules.replace("'true'", "'false'") };
    expect(await reload(mounted, () => swap(join(mount, "rules"), "v2", none))).toBe("applied");
    expect(await models()).toEqual([]);
  } finally {
    expect(await mounted.stop()).toBe(0);
  }
});
