import { afterEach, expect, test } from "vitest";
import { ask, type Scene, startScene } from "./scene.ts";

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

const statusOf = async (model: string, more: Readonly<Record<string, unknown>> = {}): Promise<number> =>
  (await ask(scene!, model, "hi", more)).status;

test("policy knows before a call what it costs at most, for each candidate by its own price", async () => {
  /* `dear` takes $10 and $1000 a million: some 70 bytes in, and a tenth of a cent for each token out. */
  scene = await startScene("[]", {}, "on: llm, allow: 'llm.cost <= 0.05'");
  expect(await statusOf("dear", { max_tokens: 49 })).toBe(200);
  expect(await statusOf("dear", { max_tokens: 49, stream: true })).toBe(200);
  expect(await statusOf("dear", { max_tokens: 50 })).toBe(403);
  expect(await statusOf("dear", { max_tokens: 25, n: 2 })).toBe(403);
  expect(await statusOf("free", { max_tokens: 1_000_000 })).toBe(200);
});

test("a call whose cost nobody can say is refused by who asks for it, unless the rule asks first whether it has a bound", async () => {
  scene = await startScene("[]", {}, "allow: 'true' }, { name: cheap, on: llm, require: 'llm.cost <= 0.05'");
  expect(await statusOf("dear")).toBe(403);
  expect(await statusOf("unpriced", { max_tokens: 1 })).toBe(403);
  await scene.close();
  scene = await startScene("[]", {}, "on: llm, allow: 'llm.maxTokens == 0 || llm.cost <= 0.05'");
  expect(await statusOf("dear")).toBe(200);
  expect(await statusOf("unpriced")).toBe(200);
  expect(await statusOf("unpriced", { max_tokens: 1 })).toBe(403);
  expect(await statusOf("dear", { max_tokens: 60 })).toBe(403);
});

test("policy knows how many tokens go in and may come out, at most", async () => {
  scene = await startScene("[]", {}, "on: llm, allow: 'llm.tokens.output <= 100 && llm.tokens.input < 500'");
  expect(await statusOf("free", { max_tokens: 100 })).toBe(200);
  expect(await statusOf("free", { max_tokens: 101 })).toBe(403);
  expect(await statusOf("free")).toBe(403);
  expect((await ask(scene, "free", "long ".repeat(100), { max_tokens: 1 })).status).toBe(403);
});
