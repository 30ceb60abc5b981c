import { Accelerator } from "../../../../models/simulator/accelerator.ts";
import { Endpoints } from "../../../../src/inference/picker/endpoints.ts";
import { createPicker, type Picked, type Picker } from "../../../../src/inference/picker/picker.ts";
import { PrefixIndex } from "../../../../src/inference/picker/prefix-index.ts";
import { type Profile, type ProfileName, profiles } from "../../../../src/inference/picker/profiles.ts";
import { Health } from "../../../../src/inference/pool/health.ts";
import { createRandom } from "./random.ts";
import { Timeline } from "./timeline.ts";
import { type Arrival, blockTokens } from "./workloads.ts";

export interface RunOptions {
  readonly arrivals: readonly Arrival[];
  readonly kvTokens: number;
  /** Default 8. */
  readonly servers?: number;
  readonly way: ProfileName | Profile;
  /** Gateways that share the load and do not know of each other. Default 1. */
  readonly replicas?: number;
  /** Default 250. */
  readonly scrapeEveryMs?: number;
  /** How much of the arrivals are sent before what is measured begins. Default 0.3. */
  readonly warmUp?: number;
  /** What any server has computed all of them have in their caches: more than any choice of a server can bring about. */
  readonly allCached?: boolean;
  /** What happens to the first server once the measured requests begin. */
  readonly fault?: Fault;
}

/**
 * `silent`: it takes requests, never answers, and its metrics stop. `lying`: the same, and its metrics say that it has nothing to do.
 * `failing`: it refuses everything at once, and its metrics say the same.
 */
export type Fault = "silent" | "lying" | "failing";

/** When a caller gives up, and how soon a failing server fails. */
const patienceMs = 30_000;
const failureMs = 5;

export interface RunResult {
  readonly ttftP50Ms: number;
  readonly ttftP90Ms: number;
  readonly adapterLoads: number;
  /** Of the measured requests, the share that was answered by a minute after the last arrival. */
  readonly done: number;
  /** Share of prompt tokens that came from a cache. */
  readonly cachedShare: number;
  /** The most requests sent to one server, over the mean of all. */
  readonly imbalance: number;
  /** Share of the measured requests that met the fault. */
  readonly lost: number;
}

interface Gateway {
  readonly picker: Picker;
  readonly endpoints: Endpoints;
}

function createGateway({ way, kvTokens }: RunOptions, servers: number, replica: number): Gateway {
  const endpoints = new Endpoints({ slots: servers });
  for (let server = 0; server < servers; server++) endpoints.add(`http://vllm-${server}:8000`);
  const prefixes = new PrefixIndex({ tokensPerEndpoint: kvTokens });
  const profile = typeof way === "string" ? profiles[way] : way;
  return { endpoints, picker: createPicker({ endpoints, prefixes, profile, replica: `replica-${replica}` }) };
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** Runs a workload against a fleet in virtual time. A request without a first token counts with all the time it waited. */
export function runWorkload(options: RunOptions): RunResult {
  const { arrivals, kvTokens, servers: size = 8, replicas = 1, scrapeEveryMs = 250, warmUp = 0.3 } = options;
  const timeline = new Timeline();
  /** Callers reach any replica. */
  const random = createRandom(arrivals.length);
  const blocks = Math.floor(kvTokens / blockTokens);
  const servers = Array.from(
    { length: size },
    () => new Accelerator(timeline, { blocks, blockTokens, maxSequences: 256, maxAdapters: 4 }),
  );
  const computed = new Set<number>();
  if (options.allCached === true)
    for (const { cache } of servers)
      cache.held = (prompt) => {
        const miss = prompt.findIndex((key) => !computed.has(key));
        return miss === -1 ? prompt.length : miss;
      };
  const gateways = Array.from({ length: replicas }, (_, replica) => createGateway(options, size, replica));
  const untilMs = arrivals.at(-1)!.atMs + 60_000;
  const from = Math.floor(arrivals.length * warmUp);
  const ttftMs = Float64Array.from(arrivals, ({ atMs }) => untilMs - atMs);
  const sent = new Int32Array(size);
  let done = 0;
  let lost = 0;
  let broken = false;
  const health = new Health();

  /** As a pool does it: what fails again and again gets no calls for a while. */
  function failed(endpoints: Endpoints, slot: number): void {
    const { nowMs } = timeline;
    if (!health.ended(true, () => ({ calls: 100, failures: 0 }), nowMs) || health.state(nowMs) !== "well") return;
    health.eject(nowMs);
    endpoints.usable[slot] = 0;
    timeline.at(nowMs + health.restMs(nowMs), () => (endpoints.usable[slot] = 1));
  }

  function send(at: number): void {
    const { atMs, prompt, promptTokens, outputTokens, adapter, request } = arrivals[at]!;
    const { picker, endpoints } = gateways[Math.floor(random() * replicas)]!;
    if (at === from) broken = options.fault !== undefined;
    if (at + 1 < arrivals.length) timeline.at(arrivals[at + 1]!.atMs, () => send(at + 1));
    const picked: Picked = picker.pick(request(options.way !== "round-robin"), { nowMs: atMs })!;
    sent[picked.slot]! += 1;
    if (broken && picked.slot === 0) {
      lost++;
      ttftMs[at] = Number.NaN;
      const endMs = atMs + (options.fault === "failing" ? failureMs : patienceMs);
      return timeline.at(endMs, () => {
        picked.end();
        failed(endpoints, picked.slot);
      });
    }
    servers[picked.slot]!.add({
      ...{ prompt, promptTokens, outputTokens, adapter },
      firstToken() {
        ttftMs[at] = timeline.nowMs - atMs;
        if (options.allCached === true) for (const key of prompt) computed.add(key);
        picked.prefilled();
      },
      done() {
        if (at >= from) done++;
        picked.end();
      },
    });
  }
  timeline.at(arrivals[0]!.atMs, () => send(0));

  gateways.forEach(({ endpoints }, replica) => {
    const scrape = () => {
      servers.forEach((server, slot) => {
        const faulty = broken && slot === 0;
        if (faulty && options.fault === "silent") return;
        endpoints.report(slot, faulty ? idle : metricsOf(server), timeline.nowMs);
      });
      timeline.at(timeline.nowMs + scrapeEveryMs, scrape);
    };
    timeline.at(replica * 17, scrape);
  });
  timeline.run(untilMs);

  const sorted = ttftMs
    .slice(from)
    .filter((ms) => !Number.isNaN(ms))
    .sort();
  const cached = servers.reduce((sum, server) => sum + server.prompts.cached, 0);
  const prefilled = servers.reduce((sum, server) => sum + server.prompts.computed, 0);
  return {
    ttftP50Ms: percentile(sorted, 0.5),
    ttftP90Ms: percentile(sorted, 0.9),
    adapterLoads: servers.reduce((sum, server) => sum + server.adapters.loads, 0),
    done: done / sorted.length,
    cachedShare: cached / (cached + prefilled),
    lost: lost / (arrivals.length - from),
    imbalance: Math.max(...sent) / (arrivals.length / size),
  };
}

const idle = { queued: 0, running: 0, kvUsage: 0 };

const metricsOf = (server: Accelerator) => ({
  queued: server.waiting,
  running: server.running,
  kvUsage: server.cache.usage,
  adapters: { running: server.adapters.running, waiting: server.waitingAdapters, max: server.adapters.max },
});
