import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { cacheEvalCommand } from "../../src/cli/cache-eval.ts";
import { startEmbeddingsProvider } from "../e2e/embeddings-provider.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-cache-eval-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = join(dir, "pairs.jsonl");
const pair = (same: boolean, asked: string, stored: string) => JSON.stringify({ same, asked, stored });
writeFileSync(
  file,
  [
    pair(true, "How do I reset my password?", "What is the password reset process?"),
    pair(false, "How do I reset my password?", "How do I not reset my password?"),
    pair(true, "How do I fix a flat tyre?", "How do I repair a punctured tire?"),
    pair(false, "How do I fix a flat tyre?", "How do I paint a bicycle?"),
  ].join("\n"),
);

async function run(options: Readonly<Record<string, unknown>>, name = file): Promise<string> {
  const printed: string[] = [];
  const given = { args: [name], options, out: (text: string) => void printed.push(text), err: () => {} };
  await cacheEvalCommand.run(given as unknown as Parameters<typeof cacheEvalCommand.run>[0]);
  return printed.join("\n");
}

test("prints what each threshold would serve, rightly and wrongly, with the guards and without", async () => {
  const text = await run({});
  expect(text).toContain("2 paraphrases, 2 near-misses");
  expect(text).toMatch(/^0\.55 \* +50\.0 % +0\.0 % +50\.0 % +50\.0 %$/m);
});

test("asks a server for embeddings", async () => {
  const provider = await startEmbeddingsProvider();
  const report = JSON.parse(await run({ embeddings: `${provider.url}/v1/`, model: "minilm", json: true })) as {
    readonly rows: readonly { readonly threshold: number; readonly found: number; readonly wrong: number }[];
  };
  expect(report.rows.find(({ threshold }) => threshold === 0.75)).toMatchObject({ found: 0.5, wrong: 0 });
  expect(provider.asked[0]).toMatchObject({ model: "minilm", input: "How do I reset my password?" });
  await provider.close();
});

test("takes a file that begins with a byte order mark", async () => {
  const marked = join(dir, "marked.jsonl");
  writeFileSync(marked, `\u{FEFF}${readFileSync(file, "utf8")}`);
  expect(await run({}, marked)).toBe(await run({}));
});

test("says which line is no pair", async () => {
  const broken = join(dir, "broken.jsonl");
  writeFileSync(broken, `${pair(true, "a", "b")}\n{"asked": "a"}\n`);
  await expect(run({}, broken)).rejects.toThrow('Line 2: a pair is {"asked"');
  await expect(run({}, broken)).rejects.toBeInstanceOf(GatewayError);
});

test("says what is wrong where there are no pairs, or no server", async () => {
  const empty = join(dir, "empty.jsonl");
  writeFileSync(empty, "\n");
  const said: string[] = [];
  const given = { args: [empty], options: {}, out: () => {}, err: (text: string) => void said.push(text) };
  expect(await cacheEvalCommand.run(given as unknown as Parameters<typeof cacheEvalCommand.run>[0])).toBe(1);
  expect(said.join()).toContain("has no pairs: write lines such as");
  await expect(run({ embeddings: "http://127.0.0.1:9/v1" })).rejects.toThrow("is the server there?");
});
