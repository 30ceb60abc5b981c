import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hashText } from "../../src/inference/picker/block-chain.ts";
import { createRandom, poissonGapMs } from "../inference/picker/simulator/random.ts";
import { startGateway, startUpstream } from "./contestants.ts";
import type { Contestant } from "./contestants.ts";
import { start } from "./process.ts";
import type { Running } from "./process.ts";
import { printTable } from "./report.ts";

const SERVERS = 8;
/** The simulated accelerators are so much faster than real ones. */
const SPEED = 3;
/** Arrivals a second of a real fleet: round-robin's knee for this workload in virtual time (test/inference/picker/simulator/knees.ts). */
const PER_S = 5.42;
const WARM_UP = 300;
const REQUESTS = 700;
const GROUPS = 150;
const SEED = 1;
const ways = ["round-robin", "sticky-until-saturated"] as const;

const simulator = fileURLToPath(new URL("../../models/simulator/server.ts", import.meta.url));

/** So many simulated vLLM servers in one process, with the KV cache of the b2b-saas workload: 307,328 tokens each. */
export async function startFleet(servers: number, timeScale: number): Promise<{ fleet: Running; urls: string[] }> {
  const fleet = await start({
    args: [simulator, "--port", "0", "--servers", `${servers}`, "--time-scale", `${timeScale}`, "--blocks", "19208"],
  });
  const urls = JSON.parse(/"urls":(\[[^\]]*\])/.exec(fleet.output())?.[1] ?? "[]") as string[];
  return { fleet, urls };
}

/** What a pool needs in the gateway's configuration. */
export const poolConfig = (urls: readonly string[], pool: object) => ({
  models: { fleet: { pool: "local", model: "llama@tokens=200" } },
  pools: { local: { engine: "vllm", endpoints: urls, ...pool } },
});

/** `tokens` of four characters that `key` alone decides on. */
function text(key: string, tokens: number): string {
  const random = createRandom(hashText(key));
  return Array.from({ length: tokens }, () =>
    Math.floor(46_656 * (1 + 35 * random()))
      .toString(36)
      .slice(0, 3),
  ).join(" ");
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Milliseconds until the first token of an answer that is streamed. */
function ask({ url, headers }: Contestant, messages: readonly object[]): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method: "POST", agent, headers: { ...headers, "content-type": "application/json" } },
      (response) => {
        let firstMs: number | undefined;
        let begun = "";
        response.on("data", (chunk: Buffer) => {
          if (firstMs !== undefined) return;
          begun += chunk.toString();
          if (/"content":"[^"]/.test(begun)) firstMs = performance.now() - startedMs;
        });
        response.on("end", () =>
          firstMs === undefined
            ? reject(new Error(`${response.statusCode}: ${begun.slice(0, 300)}`))
            : resolve(firstMs),
        );
        response.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(JSON.stringify({ model: "fleet", stream: true, messages }));
  });
}

/** Times to first tokens, and how late requests were sent: nothing but milliseconds where the machine has time for the bench. */
async function drive(gateway: Contestant): Promise<{ times: number[]; late: number[] }> {
  const random = createRandom(SEED);
  const groups = Array.from({ length: GROUPS }, (_, group) => text(`g${group}`, 6_000));
  const asked: Promise<number>[] = [];
  const late: number[] = [];
  let dueMs = performance.now();
  for (let at = 0; at < WARM_UP + REQUESTS; at++) {
    dueMs += poissonGapMs(random, PER_S * SPEED);
    const messages = [
      { role: "system", content: groups[Math.floor(random() * GROUPS)] },
      { role: "user", content: text(`q${at}`, 1_200) },
    ];
    await sleep(Math.max(0, dueMs - performance.now()));
    late.push(performance.now() - dueMs);
    asked.push(ask(gateway, messages));
  }
  const byTime = (a: number, b: number) => a - b;
  return { times: (await Promise.all(asked)).slice(WARM_UP).sort(byTime), late: late.sort(byTime) };
}

/** Sums of what the servers say of their prefix caches. */
async function readCaches(urls: readonly string[]): Promise<{ queries: number; hits: number }> {
  const told = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const sum = (name: string) =>
    told.reduce((total, each) => total + Number(new RegExp(`^vllm:${name}\\{.*\\} (.*)$`, "m").exec(each)?.[1]), 0);
  return { queries: sum("prefix_cache_queries_total"), hits: sum("prefix_cache_hits_total") };
}

async function measure(way: (typeof ways)[number]): Promise<{ row: string[]; p90Ms: number }> {
  const started: Running[] = [];
  try {
    const { fleet, urls } = await startFleet(SERVERS, 1 / SPEED);
    started.push(fleet);
    const { upstream, issueToken } = await startUpstream();
    started.push(upstream);
    const gateway = await startGateway("llm", upstream, issueToken, { config: poolConfig(urls, { pick: way }) });
    started.push(gateway.process);
    const before = gateway.process.cpuUs();
    const startedMs = performance.now();
    const { times, late } = await drive(gateway);
    const took = performance.now() - startedMs;
    const cpu = (gateway.process.cpuUs() - before) / took / 10;
    const { queries, hits } = await readCaches(urls);
    const at = (share: number) => times[Math.floor(times.length * share)]! * SPEED;
    const row = [way, at(0.5).toFixed(0), at(0.9).toFixed(0), `${((hits / queries) * 100).toFixed(0)} %`];
    const p90Late = late[Math.floor(late.length * 0.9)]!.toFixed(1);
    return { row: [...row, `${cpu.toFixed(0)} %`, p90Late], p90Ms: at(0.9) };
  } finally {
    await Promise.all(started.map((each) => each.stop()));
  }
}

/** In real time over real HTTP: round-robin and the default profile, open loop. The last line is how many times as soon the first token comes. */
export async function benchPickerFleet(): Promise<void> {
  console.log(
    `picker-fleet: ${SERVERS} simulated vLLM servers ${SPEED} times as fast as real ones, ${(PER_S * SPEED).toFixed(0)} streams a second for ${REQUESTS} requests after ${WARM_UP};\n` +
      `${GROUPS} system prompts of 6,000 tokens, questions of 1,200, answers of 200; milliseconds as of real servers (× ${SPEED})\n`,
  );
  const found: { row: string[]; p90Ms: number }[] = [];
  for (const way of ways) found.push(await measure(way));
  printTable([
    ["", "p50 to first token", "p90", "prompt tokens from caches", "gateway CPU", "p90 sent late, real ms"],
    ...found.map(({ row }) => row),
  ]);
  console.log(`bench picker-fleet: ratio ${(found[0]!.p90Ms / found[1]!.p90Ms).toFixed(2)}`);
}
