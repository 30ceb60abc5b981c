import { Endpoints } from "../../../../src/inference/picker/endpoints.ts";
import { createPicker, type Picked } from "../../../../src/inference/picker/picker.ts";
import { PrefixIndex } from "../../../../src/inference/picker/prefix-index.ts";
import { type ProfileName, profiles } from "../../../../src/inference/picker/profiles.ts";
import type { PickRequest } from "../../../../src/inference/picker/scene.ts";
import { ModelServer } from "./model-server.ts";
import { Timeline } from "./timeline.ts";
import type { Arrival } from "./workloads.ts";

export interface RunOptions {
  readonly arrivals: readonly Arrival[];
  readonly kvTokens: number;
  readonly servers?: number;
  readonly way: "round-robin" | ProfileName;
  /** Gateways that share the load and do not know of each other. Default 1. */
  readonly replicas?: number;
  /** Default 250. */
  readonly scrapeEveryMs?: number;
  readonly forMs: number;
}

export interface RunResult {
  readonly ttftP50Ms: number;
  readonly ttftP90Ms: number;
  readonly adapterLoads: number;
  /** Requests that were answered by the end of the run and a minute after. */
  readonly done: number;
  /** Share of prompt tokens that came from a cache. */
  readonly cachedShare: number;
  /** The most requests sent to one server, over the mean of all. */
  readonly imbalance: number;
}

interface Gateway {
  readonly send: (request: PickRequest) => { slot: number; picked?: Picked | undefined };
  readonly scrape: (servers: readonly ModelServer[]) => void;
}

function createGateway(options: RunOptions, timeline: Timeline, servers: number, replica: number): Gateway {
  const { way } = options;
  if (way === "round-robin") {
    let turn = replica;
    return { send: () => ({ slot: turn++ % servers }), scrape: () => undefined };
  }
  const endpoints = new Endpoints({ slots: servers });
  for (let server = 0; server < servers; server++) endpoints.add(`http://vllm-${server}:8000`);
  const prefixes = new PrefixIndex({ slots: servers, blocksPerEndpoint: Math.floor(options.kvTokens / 64) });
  const picker = createPicker({ endpoints, prefixes, profile: profiles[way], replica: `replica-${replica}` });
  return {
    send(request) {
      const picked = picker.pick(request, { nowMs: timeline.nowMs });
      if (picked === undefined) throw new Error("No endpoint is usable.");
      return { slot: picked.slot, picked };
    },
    scrape: (all) => all.forEach((server, slot) => endpoints.report(slot, server.metrics(), timeline.nowMs)),
  };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity;
}

/** Runs a workload against a fleet in virtual time. A request without a first token counts with all the time it waited. */
export function runWorkload(options: RunOptions): RunResult {
  const { arrivals, servers: size = 8, replicas = 1, scrapeEveryMs = 250, forMs } = options;
  const timeline = new Timeline();
  const servers = Array.from({ length: size }, () => new ModelServer(timeline, { kvTokens: options.kvTokens }));
  const gateways = Array.from({ length: replicas }, (_, replica) => createGateway(options, timeline, size, replica));
  const untilMs = forMs + 60_000;
  const ttftMs = arrivals.map(({ atMs }) => untilMs - atMs);
  const sent = new Int32Array(size);
  let done = 0;
  arrivals.forEach(({ atMs, request, outputTokens }, at) => {
    timeline.after(atMs, () => {
      const { slot, picked } = gateways[at % replicas]!.send(request);
      sent[slot]! += 1;
      servers[slot]!.serve({
        ...{ chain: request.chain, promptTokens: request.promptTokens, outputTokens, adapter: request.adapter },
        firstToken() {
          ttftMs[at] = timeline.nowMs - atMs;
          picked?.prefilled();
        },
        done() {
          done++;
          picked?.end();
        },
      });
    });
  });
  gateways.forEach((gateway, replica) => {
    const scrape = () => {
      gateway.scrape(servers);
      timeline.after(scrapeEveryMs, scrape);
    };
    timeline.after(replica * 17, scrape);
  });
  timeline.run(untilMs);
  const sorted = ttftMs.toSorted((a, b) => a - b);
  const cached = servers.reduce((sum, server) => sum + server.cachedTokens, 0);
  const prefilled = servers.reduce((sum, server) => sum + server.prefilledTokens, 0);
  return {
    ttftP50Ms: percentile(sorted, 0.5),
    ttftP90Ms: percentile(sorted, 0.9),
    adapterLoads: servers.reduce((sum, server) => sum + server.adapterLoads, 0),
    done,
    cachedShare: cached / (cached + prefilled),
    imbalance: Math.max(...sent) / (arrivals.length / size),
  };
}
