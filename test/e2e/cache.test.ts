import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, type CacheScene, startCacheScene } from "./cache-scene.ts";

let scene: CacheScene;
beforeAll(async () => {
  scene = await startCacheScene();
});
afterAll(() => scene.close());

const statusOf = (response: Response) => response.headers.get("cache-status");
async function callsOf<T>(make: () => Promise<T>): Promise<{ calls: number; value: T }> {
  const before = scene.calls();
  const value = await make();
  return { calls: scene.calls() - before, value };
}

test("an equal call is answered from the cache, whole and streamed, in the official client of OpenAI", async () => {
  const openai = scene.openai();
  const question = ask("What is the capital of Norway?");
  const stream = async () => {
    let [text, usage] = ["", undefined as unknown];
    const events = await openai.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const event of events) {
      text += event.choices[0]?.delta.content ?? "";
      usage = event.usage ?? usage;
    }
    return { text, usage };
  };
  const first = await callsOf(async () => [await openai.chat.completions.create(question), await stream()]);
  const again = await callsOf(async () => [await openai.chat.completions.create(question), await stream()]);
  expect([first.calls, again.calls]).toEqual([2, 0]);
  expect(again.value).toEqual(first.value);
  expect(again.value[1]).toMatchObject({
    text: expect.stringContaining("Norway"),
    usage: { prompt_tokens: expect.any(Number) },
  });
});

test("and in Anthropic's, from a provider of its dialect and from one of the other", async () => {
  const anthropic = scene.anthropic();
  for (const model of ["claude", "small"]) {
    const question = { ...ask("What is the capital of Sweden?"), model, max_tokens: 100 };
    const both = async () => [
      await anthropic.messages.create(question),
      await anthropic.messages.stream(question).finalMessage(),
    ];
    const first = await callsOf(both);
    const again = await callsOf(both);
    expect([model, first.calls, again.calls]).toEqual([model, 2, 0]);
    expect(again.value).toEqual(first.value);
    expect(again.value[0]?.usage.output_tokens).toBeGreaterThan(0);
  }
});

test("a caller of OpenAI's dialect is given what a provider of Anthropic's has said before", async () => {
  const question = { ...ask("What is the capital of Denmark?"), model: "claude" };
  const openai = scene.openai();
  const first = await callsOf(() => openai.chat.completions.create(question));
  const again = await callsOf(() => openai.chat.completions.create(question));
  expect([first.calls, again.calls]).toEqual([1, 0]);
  expect(again.value.choices).toEqual(first.value.choices);
});

test("a question in other words is answered too, its near miss is not", async () => {
  const first = await scene.send("chat/completions", ask("How do I reset my password?"));
  expect(statusOf(first)).toBe("sallyport; fwd=miss; stored");
  const other = await scene.send("chat/completions", ask("What is the password reset process?"));
  expect(statusOf(other)).toMatch(/^sallyport; hit; ttl=3[56]\d\d; detail=semantic$/);
  expect(other.headers.get("age")).toBe("0");
  expect(await other.text()).toBe(await first.text());
  const near = await scene.send("chat/completions", ask("How do I not reset my password?"));
  expect(statusOf(near)).toBe("sallyport; fwd=miss; stored");
  await near.text();
  const notes = (await scene.journal()).slice(0, 2).flatMap((record) => record.notes ?? []);
  expect(notes).toEqual([
    expect.stringMatching(/^cache: similar, score [01]\.\d{3}, and not the same \(negation: /),
    expect.stringMatching(/^cache: semantic hit, score [01]\.\d{3}, key [\w-]{43}$/),
  ]);
});

test("the call shown in the documentation works as it is printed", async () => {
  const page = readFileSync(new URL("../../docs/cache.md", import.meta.url), "utf8");
  const calls = [...page.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, call = ""]) =>
    call.includes("curl") ? [call] : [],
  );
  expect(calls).toHaveLength(1);
  const run = promisify(execFile);
  const env = { ...process.env, KEY: scene.secret("bob") };
  const statuses: unknown[] = [];
  for (let times = 0; times < 2; times++) {
    const { stdout } = await run("bash", ["-c", calls[0]!.replaceAll("http://127.0.0.1:4000", scene.url)], { env });
    expect(stdout).toContain('"choices"');
    statuses.push(/^cache-status: (.*?)\r?$/m.exec(stdout)?.[1]);
  }
  expect(statuses).toEqual(["sallyport; fwd=miss; stored", expect.stringMatching(/^sallyport; hit; ttl=3[56]\d\d$/)]);
});
