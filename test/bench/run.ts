import { once } from "node:events";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { benchCache } from "./cache.ts";
import { benchGuards } from "./guards.ts";
import { benchKubernetes } from "./kubernetes.ts";
import { benchLedger } from "./ledger.ts";
import { benchManifests } from "./manifests.ts";
import { startFloor, startGateway, startPortkey, startUpstream } from "./contestants.ts";
import type { Contestant } from "./contestants.ts";
import type { Job, Result } from "./load.ts";
import { benchOpenStreams } from "./open-streams.ts";
import { benchPicker } from "./picker.ts";
import { benchPickerFleet } from "./picker-fleet.ts";
import { benchPickerKnees } from "./picker-knees.ts";
import { CHUNKS, scenarios } from "./messages.ts";
import type { ScenarioName } from "./messages.ts";
import { start } from "./process.ts";
import type { Running } from "./process.ts";
import { median, printReport } from "./report.ts";
import type { Row, Sample } from "./report.ts";

const CONNECTIONS = 32;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "7" },
    requests: { type: "string" },
    "warm-up": { type: "string" },
    "no-peers": { type: "boolean", default: false },
    "no-gateway": { type: "boolean", default: false },
    /** How many are open at once in the second part of `llm-stream`; 0 leaves it out. */
    streams: { type: "string", default: "500" },
    /** Writes CPU profiles of the floor and the gateway into this folder. */
    profile: { type: "string" },
  },
});

/* Benches of one part by itself, in this process: no server, no connections. */
const parts: Readonly<Record<string, () => Promise<void>>> = {
  cache: benchCache,
  guards: benchGuards,
  kubernetes: benchKubernetes,
  ledger: benchLedger,
  manifests: benchManifests,
  picker: benchPicker,
  "picker-fleet": benchPickerFleet,
  "picker-knees": benchPickerKnees,
};
const part = parts[positionals[0] ?? ""];
if (part !== undefined) {
  await part();
  process.exit();
}

const scenario = positionals[0] as ScenarioName;
if (!Object.hasOwn(scenarios, scenario)) {
  console.error(
    `npm run bench -- ${[...Object.keys(scenarios), ...Object.keys(parts)].join("|")} [--rounds N] [--requests N] [--streams N] [--no-peers] [--profile DIR]`,
  );
  process.exit(2);
}
const streamed = scenarios[scenario].textAt === undefined;
const rounds = Number(values.rounds);
const requests = Number(values.requests ?? (streamed ? 600 : 10_000));
// V8 goes on compiling for some ten thousand requests; what is measured is the service that has been up for a minute.
const warmUp = Number(values["warm-up"] ?? (streamed ? 1_200 : 20_000));

const started: Running[] = [];
const keep = <T extends { readonly process: Running }>(contestant: T): T => {
  started.push(contestant.process);
  return contestant;
};

async function load(generator: Running, contestant: Contestant, connections: number, count: number): Promise<Result> {
  const job: Job = { scenario, url: contestant.url, headers: contestant.headers, connections, requests: count };
  const answer = once(generator.child, "message");
  generator.child.send(job);
  const [result] = (await answer) as [Result];
  if (result.problem !== undefined) throw new Error(`${contestant.name}: ${result.problem}`);
  return result;
}

async function measure(generator: Running, contestant: Contestant): Promise<Sample> {
  const before = contestant.process.cpuUs();
  const loaded = await load(generator, contestant, CONNECTIONS, requests);
  const cpuUs = (contestant.process.cpuUs() - before) / requests;
  const alone = await load(generator, contestant, 1, Math.ceil(requests / 20));
  return {
    cpuUs,
    p50Ms: loaded.p50Ms,
    p99Ms: loaded.p99Ms,
    aloneP50Ms: alone.p50Ms,
    aloneFirstByteMs: alone.firstByteP50Ms,
  };
}

/** The contestants one after another, round by round; gives the gateway's CPU over the floor's. */
async function compare(): Promise<number> {
  const generator = await start({ args: [fileURLToPath(new URL("load.ts", import.meta.url))], ipc: true });
  started.push(generator);
  const { upstream, issueToken } = await startUpstream();
  started.push(upstream);
  const direct: Contestant = {
    name: "upstream itself",
    process: upstream,
    url: upstream.url + scenarios[scenario].upstreamPath,
    headers: {},
  };
  const contestants = [direct, keep(await startFloor(scenario, upstream, { profileDir: values.profile }))];
  if (!values["no-gateway"])
    contestants.push(keep(await startGateway(scenario, upstream, issueToken, { profileDir: values.profile })));
  if (!values["no-peers"] && scenario.startsWith("llm")) contestants.push(keep(await startPortkey(scenario, upstream)));

  for (const contestant of contestants) await load(generator, contestant, CONNECTIONS, warmUp);
  const samples = new Map<Contestant, Sample[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another one, so that none is always measured after the same.
    for (let place = 0; place < contestants.length; place++) {
      const contestant = contestants[(round + place) % contestants.length] as Contestant;
      samples.get(contestant)?.push(await measure(generator, contestant));
    }
  }
  const rows: Row[] = contestants.map((contestant) => ({
    name: contestant.name,
    samples: samples.get(contestant) ?? [],
    peakMiB: contestant.process.peakMiB(),
  }));
  printReport({
    scenario,
    rows,
    rounds,
    requests,
    connections: CONNECTIONS,
    events: streamed ? CHUNKS + 3 : undefined,
  });
  const cpuOf = (name: string) =>
    median((rows.find((row) => row.name === name)?.samples ?? []).map(({ cpuUs }) => cpuUs));
  await Promise.all(started.splice(0).map((each) => each.stop()));
  return cpuOf("gateway") / cpuOf("floor");
}

try {
  const streams = scenario === "llm-stream" && !values["no-gateway"] ? Number(values.streams) : 0;
  const compared = rounds > 0 ? await compare() : undefined;
  const open = streams > 0 ? await benchOpenStreams(streams) : undefined;
  const ratio = compared ?? open;
  if (ratio !== undefined && !values["no-gateway"]) console.log(`bench ${scenario}: ratio ${ratio.toFixed(2)}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await Promise.all(started.map((each) => each.stop()));
}
