import { loadavg } from "node:os";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { createCache } from "../../src/inference/cache/cache.ts";
import { cacheConfig } from "../../src/inference/cache/config.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { answerWith, type Caller, createRecallScene } from "../inference/cache/recall-scene.ts";
import { printTable } from "./report.ts";

const ENTRIES = 100_000;
const LOOKUPS = 2_000;
const WARM_UP = 200;
const MIB = 1_048_576;
const ANSWER = Buffer.from(
  JSON.stringify({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "small",
    choices: [{ index: 0, message: { role: "assistant", content: "word ".repeat(100) }, finish_reason: "stop" }],
    usage: { prompt_tokens: 20, completion_tokens: 100, total_tokens: 120 },
  }),
);

/* Words of made-up syllables: as many as people use, and none that a list of the gateway's knows. */
const syllables = [
  "ba",
  "cor",
  "dim",
  "fel",
  "gu",
  "hon",
  "jil",
  "kra",
  "lo",
  "mun",
  "ner",
  "pli",
  "rud",
  "sto",
  "tev",
  "vax",
];
const wordOf = (index: number): string =>
  [0, 4, 8].map((shift) => syllables[(index >> shift) & 15] ?? "").join("") + (index >> 12 === 0 ? "" : "or");
const VERBS = 60;
const NOUNS = 3_000;

/* Every question has a verb of 60 and two nouns of 3,000: each has hundreds of others half near. */
type Words = readonly [verb: string, noun: string, of: string];
function wordsOf(index: number): Words {
  const verb = index % VERBS;
  const noun = Math.floor(index / VERBS) % NOUNS;
  return [wordOf(verb + 3_500), wordOf(noun), wordOf((noun * 7 + index * 13) % NOUNS)];
}

const forms = {
  kept: ([verb, noun, of]: Words) => `How do I ${verb} the ${noun} of my ${of}?`,
  otherwise: ([verb, noun, of]: Words) => `What is the process to ${verb} the ${noun} of a ${of}?`,
  unknown: ([verb, noun, of]: Words) => `How do I ${verb}quix the ${noun} of my ${of}?`,
};

function asked(index: number, form: keyof typeof forms): Caller {
  const content = forms[form](wordsOf(index));
  const body = { model: "small", messages: [{ role: "user", content }] };
  return { tenant: "a", principal: "ada", path: "/v1/chat/completions", body };
}

const quantile = (sorted: readonly number[], share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;

/** What a hit costs with 100,000 answers in one partition of a cache in this process: time and CPU of a lookup, and memory. */
export async function benchCache(): Promise<void> {
  const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 1_000 } });
  const store = createMemoryStore({ clock: systemClock, log: silentLog });
  const config = cacheConfig.cache.parse({ size: "2GiB", ttl: "24h", semantic: { embedder: "lexical" } })!;
  const { meter } = createMetrics();
  const cache = createCache({
    config,
    clock: systemClock,
    log: silentLog,
    meter,
    upstream,
    store,
    deployment: "bench",
  });
  const scene = createRecallScene({}, cache);

  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const fillFrom = performance.now();
  for (let index = 0; index < ENTRIES; index++) {
    /* Made anew: looked up first, each would be compared with all before it. */
    const caller = { ...asked(index, "kept"), headers: { "cache-control": "no-cache" } };
    const recalled = await scene.recall(caller).recalled;
    if (recalled !== undefined) await answerWith(recalled, ANSWER, caller.body);
  }
  const fillUs = ((performance.now() - fillFrom) * 1_000) / ENTRIES;
  globalThis.gc?.();
  const rss = process.memoryUsage().rss - before;

  async function measure(name: string, callerOf: (index: number) => Caller, isHit: boolean) {
    const times: number[] = [];
    let cpu = process.cpuUsage();
    for (let turn = -WARM_UP; turn < LOOKUPS; turn++) {
      if (turn === 0) cpu = process.cpuUsage();
      const index = ((turn + WARM_UP) * 7_919) % ENTRIES;
      const from = performance.now();
      const recalled = await scene.recall(callerOf(index)).recalled;
      if (turn >= 0) times.push(performance.now() - from);
      if ((recalled?.answer !== undefined) !== isHit)
        throw new Error(`${name}: question ${index} was not what it should be`);
      recalled?.end({ status: "aborted", durationMs: 0 });
    }
    const { user, system } = process.cpuUsage(cpu);
    times.sort((one, other) => one - other);
    return { name, p50: quantile(times, 0.5), p99: quantile(times, 0.99), cpuMs: (user + system) / 1_000 / LOOKUPS };
  }

  const rows = [
    await measure("exact hit", (index) => asked(index, "kept"), true),
    await measure("semantic hit", (index) => asked(index, "otherwise"), true),
    await measure("miss", (index) => asked(index, "unknown"), false),
  ];
  const ms = (value: number) => `${value.toFixed(3)} ms`;
  printTable([
    ["lookup", "p50", "p99", "CPU"],
    ...rows.map(({ name, p50, p99, cpuMs }) => [name, ms(p50), ms(p99), ms(cpuMs)]),
  ]);
  console.log(
    `${cache.answers.count} answers of ${ANSWER.length} bytes in one partition; ${Math.round(cache.answers.sizeBytes / MIB)} MiB by the cache's own count, ` +
      `${Math.round(rss / MIB)} MiB of memory; ${fillUs.toFixed(0)} µs to keep one; load ${loadavg()[0]?.toFixed(1)}`,
  );
  await cache.close();
  await store.close();
  await upstream.close();
  const [exact, semantic] = rows;
  console.log(
    `bench cache: semantic hit p50 ${ms(semantic?.p50 ?? 0)}, p99 ${ms(semantic?.p99 ?? 0)}; exact hit p50 ${ms(exact?.p50 ?? 0)}, with ${ENTRIES} entries`,
  );
}
