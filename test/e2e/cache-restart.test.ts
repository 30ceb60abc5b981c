import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { freePort } from "../free-port.ts";
import { ask, type CacheScene, startCacheScene } from "./cache-scene.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Does something with a gateway and its state, and stops both the gateway and the model server; of the same addresses every time. */
async function run<T>(state: string, port: number, work: (scene: CacheScene) => Promise<T>, branches = {}): Promise<T> {
  const scene = await startCacheScene({ state, ...branches }, { port });
  try {
    await scene.gateway.epochs.current().cache?.loaded;
    return await work(scene);
  } finally {
    await scene.close();
  }
}

const asking =
  (...questions: readonly string[]) =>
  async (scene: CacheScene) => {
    const found: (string | undefined)[] = [];
    for (const question of questions) {
      const response = await scene.send("chat/completions", ask(question));
      await response.text();
      found.push(/^sallyport; ([a-z]+)/.exec(response.headers.get("cache-status") ?? "")?.[1]);
    }
    return found;
  };

test("answers and the vectors of their questions are there again after a restart with a state file", async () => {
  const [state, port] = [join(dir, "kept.db"), await freePort()];
  expect(await run(state, port, asking("How do I reset my password?", "Who painted the Mona Lisa?"))).toEqual([
    "fwd",
    "fwd",
  ]);
  const questions = ["How do I reset my password?", "What is the password reset process?", "Who stole the Mona Lisa?"];
  const again = await run(state, port, asking(...questions));
  expect(again).toEqual(["hit", "hit", "fwd"]);
});

test("what was flushed does not come back, nor what another model's configuration had said", async () => {
  const [state, port] = [join(dir, "flushed.db"), await freePort()];
  await run(state, port, async (scene) => {
    await asking("How do I reset my password?")(scene);
    expect(await scene.admin("POST", "/api/cache/flush", { model: "small" })).toEqual({ flushed: 1 });
    return asking("Who painted the Mona Lisa?")(scene);
  });
  expect(await run(state, port, asking("How do I reset my password?"))).toEqual(["fwd"]);
  const models = '{small: {provider: vllm, url: "SIMULATOR", model: another}}';
  expect(await run(state, port, asking("Who painted the Mona Lisa?"), { models })).toEqual(["fwd"]);
});
