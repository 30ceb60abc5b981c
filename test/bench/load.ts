/* The load generator: takes jobs from its parent, one at a time. Runs as a process of its own, so that its own work is in nobody's figure. */
import { HttpConnection } from "./http-connection.ts";
import type { RawAnswer } from "./http-connection.ts";
import { ANSWER, ask, CHUNKS, scenarios } from "./messages.ts";
import type { ScenarioName } from "./messages.ts";

export interface Job {
  readonly scenario: ScenarioName;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly requests: number;
}

export interface Result {
  /** Milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstByteP50Ms: number;
  /** The first thing that was wrong; undefined when every answer was right. */
  readonly problem: string | undefined;
}

process.on("message", (job: Job) => {
  run(job).then(
    (result) => process.send?.(result),
    (error: Error) =>
      process.send?.({ p50Ms: 0, p99Ms: 0, firstByteP50Ms: 0, problem: error.message } satisfies Result),
  );
});

async function run(job: Job): Promise<Result> {
  const url = new URL(job.url);
  const head = writeHead(job, url);
  const { body } = scenarios[job.scenario];
  const totals: number[] = [];
  const firsts: number[] = [];
  let left = job.requests;
  const worker = async () => {
    const connection = new HttpConnection(url);
    try {
      while (left > 0) {
        left--;
        const answer = await connection.send(writeRequest(head, body(ask())));
        check(answer, job.scenario);
        totals.push(answer.totalMs);
        firsts.push(answer.firstByteMs);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: job.connections }, worker));
  totals.sort((a, b) => a - b);
  firsts.sort((a, b) => a - b);
  return { p50Ms: at(totals, 0.5), p99Ms: at(totals, 0.99), firstByteP50Ms: at(firsts, 0.5), problem: undefined };
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

function writeHead(job: Job, url: URL): string {
  const all = {
    host: url.host,
    "content-type": "application/json",
    ...scenarios[job.scenario].headers,
    ...job.headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${url.pathname} HTTP/1.1\r\n${lines.join("")}`;
}

const writeRequest = (head: string, body: string): Buffer =>
  Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

/** Status and text of every answer: a proxy that fails fast must not look fast. */
function check(answer: RawAnswer, name: ScenarioName): void {
  const { textAt } = scenarios[name];
  const body = answer.body.toString("utf8");
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${body.slice(0, 300)}`);
  if (textAt === undefined) return checkStream(body);
  const json = body.startsWith("{") ? body : (/^data: (\{.*\})$/m.exec(body)?.[1] ?? "");
  let value: unknown = JSON.parse(json === "" ? "null" : json);
  for (const key of textAt) value = (value as Record<string | number, unknown> | undefined | null)?.[key];
  if (value !== ANSWER) throw new Error(`not the expected answer: ${body.slice(0, 300)}`);
}

function checkStream(body: string): void {
  const events = body.split("\n\n").filter((event) => event.startsWith("data: "));
  const text = events.slice(0, -1).map((event) => {
    const { choices } = JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] };
    return choices[0]?.delta.content ?? "";
  });
  const expected = Array.from({ length: CHUNKS }, (_, index) => ` word${index}`).join("");
  if (text.join("") !== expected) throw new Error(`not the expected stream: ${body.slice(0, 300)}`);
  if (events.at(-1) !== "data: [DONE]") throw new Error("the stream did not end with [DONE]");
}
