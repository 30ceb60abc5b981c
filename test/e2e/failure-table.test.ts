import { readFileSync } from "node:fs";
import Anthropic, { APIError as AnthropicError } from "@anthropic-ai/sdk";
import { APIError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  breaksOff,
  diesBeforeFirstToken,
  hangs,
  refuses,
  says,
  saysAndDies,
  startProvider,
  startScene,
  usageOf,
  type Behaviour,
  type Provider,
  type Scene,
} from "./fallback-scene.ts";

/* What docs/fallback.md says the table was measured with. */
const PROMPT = "word ".repeat(800);
const USAGE = usageOf(1_000, 200);
const tooLong = { message: "This model's maximum context length is 512 tokens.", code: "context_length_exceeded" };

interface Row {
  readonly title: string;
  readonly stream?: true;
  readonly nobodyListens?: true;
  /** A budget has no room for the first model. */
  readonly spent?: true;
  readonly primary?: Behaviour;
  readonly second?: Behaviour;
}

const rows: readonly Row[] = [
  { title: "is well" },
  { title: "is well, streamed", stream: true },
  { title: "refuses the connection", nobodyListens: true },
  { title: "breaks the connection before it answers", primary: breaksOff },
  { title: "429", primary: refuses(429) },
  { title: "500", primary: refuses(500) },
  { title: "hangs before the first token of a stream", stream: true, primary: hangs },
  { title: "hangs, and the answer is not streamed", primary: hangs },
  { title: "opens a stream and dies before the first token", stream: true, primary: diesBeforeFirstToken },
  { title: "dies in the middle of a stream", stream: true, primary: saysAndDies("word ".repeat(80)) },
  { title: "context too long", primary: refuses(400, tooLong) },
  { title: "its budget is out", spent: true },
  { title: "400 for another reason", primary: refuses(400) },
  { title: "500, and the second 503", primary: refuses(500), second: refuses(503) },
];

/** A row of its own models at addresses of its own, so that no row meets the circuit breaker of another. */
interface Stand {
  readonly row: Row;
  readonly asked: string;
  readonly primary: Provider;
  readonly second: Provider;
}

const stands: Stand[] = [];
let scene: Scene;

beforeAll(async () => {
  for (const [index, row] of rows.entries()) {
    const primary = await startProvider(row.primary ?? says("from primary", USAGE));
    const second = await startProvider(row.second ?? says("from second", USAGE));
    stands.push({ row, asked: `primary-${index}`, primary, second });
  }
  const models = stands.flatMap(({ row, asked, primary, second }) => {
    const url = row.nobodyListens === true ? "http://127.0.0.1:9" : primary.url;
    // Only where it is waited for: on a busy machine an answer takes as long.
    const limits = row.primary === hangs ? "firstTokenTimeout: 300ms, answerTimeout: 300ms, " : "";
    return [
      `  ${asked}: { provider: vllm, url: "${url}", price: { input: "$10", output: "$30" }, ${limits}fallback: [${asked}-second] }`,
      `  ${asked}-second: { provider: vllm, url: "${second.url}", price: { input: "$1", output: "$3" } }`,
    ];
  });
  const spent = stands.filter(({ row }) => row.spent).map(({ asked }) => `"1 token/month on ${asked}"`);
  scene = await startScene({
    models: `\n${models.join("\n")}`,
    budgets: `
  - { name: all, limits: ["$1000/month"] }
  - { name: spent, limits: [${spent.join(", ")}], onExhausted: fallback }`,
  });
});
afterAll(async () => {
  await scene.close();
  for (const { primary, second } of stands) await Promise.all([primary.close(), second.close()]);
});

interface Call {
  readonly model: string;
  readonly messages: { readonly role: "user"; readonly content: string }[];
  readonly max_tokens: number;
}
/** Answers piece by piece, as far as they come. */
type Client = (call: Call, stream: boolean) => AsyncGenerator<string>;

async function* askOpenai(call: Call, stream: boolean): AsyncGenerator<string> {
  const { completions } = scene.openai.chat;
  if (!stream) yield (await completions.create(call)).choices[0]?.message.content ?? "";
  else
    for await (const each of await completions.create({ ...call, stream })) yield each.choices[0]?.delta.content ?? "";
}

async function* askAnthropic(call: Call, stream: boolean): AsyncGenerator<string> {
  const { messages } = new Anthropic({ baseURL: scene.url, apiKey: scene.openai.apiKey, maxRetries: 0 });
  if (!stream) {
    for (const block of (await messages.create(call)).content) if (block.type === "text") yield block.text;
    return;
  }
  for await (const event of await messages.create({ ...call, stream }))
    if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text;
}

/** What the caller gets, in the words of the table. */
async function ask(client: Client, model: string, stream: boolean): Promise<string> {
  const call: Call = { model, messages: [{ role: "user", content: PROMPT }], max_tokens: 500 };
  let text = "";
  try {
    for await (const piece of client(call, stream)) text += piece;
  } catch (error) {
    if (!(error instanceof APIError || error instanceof AnthropicError)) throw error;
    if (text !== "")
      return `what had come, then an error: the ${/upstream's answer broke off/.exec(error.message)?.[0]}`;
    const retry = error.headers?.get("x-should-retry") ?? "";
    return retry === "" ? `the ${error.status}` : `the ${error.status}, with \`x-should-retry: ${retry}\``;
  }
  return text.replace("from ", "the answer of the ").replace("primary", "first");
}

/** What the budget for everything has left, as it tells a call that can never fit. */
async function leftDollars(): Promise<number> {
  const error = await scene.openai.chat.completions
    .create({ model: stands[0]!.asked, messages: [{ role: "user", content: "?" }], max_tokens: 2_000_000_000 })
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof APIError)) throw error;
  return Number(error.headers?.get("x-ratelimit-remaining-cost")?.replace("$", ""));
}

/** The cost of the newest call of a model by the journal. */
async function recordedDollars(model: string): Promise<number> {
  const found = await scene.admin(`/api/journal?limit=1&target=${model}`);
  const { records } = found as { records: readonly { costNanos?: number }[] };
  return (records[0]?.costNanos ?? 0) / 1e9;
}

async function measure(client: Client, { row, asked, primary, second }: Stand): Promise<string> {
  primary.calls = second.calls = 0;
  const before = await leftDollars();
  const gets = await ask(client, asked, row.stream === true);
  const recorded = await recordedDollars(asked);
  const dollars = before - (await leftDollars());
  expect(dollars, `${row.title}: the ledger and the journal agree`).toBeCloseTo(recorded, 9);
  const money = recorded === 0 ? "nothing" : `$${recorded.toFixed(4)}`;
  return `| ${row.title} | ${gets} | ${primary.calls} + ${second.calls} | ${money} |`;
}

test.for([
  ["an OpenAI", askOpenai],
  ["an Anthropic", askAnthropic],
] as const)(
  "what %s client gets, how often who was called and what it cost is as the table of docs/fallback.md says",
  { timeout: 30_000 },
  async ([, client]) => {
    const measured = [];
    for (const stand of stands) measured.push(await measure(client, stand));
    const page = readFileSync(new URL("../../docs/fallback.md", import.meta.url), "utf8");
    const [, section = ""] = page.split("## What a failure costs\n");
    const table = section.split("\n## ")[0]?.split("\n");
    expect(measured).toEqual(table?.filter((line) => line.startsWith("| ")).slice(2));
  },
);
