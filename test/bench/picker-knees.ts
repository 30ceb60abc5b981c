import { profileSchema } from "../../src/inference/picker/profiles.ts";
import { curveOf, kneeOf, knees, requests, seeds } from "../inference/picker/simulator/knees.ts";
import { runWorkload } from "../inference/picker/simulator/run-workload.ts";
import { type WorkloadName, workloads } from "../inference/picker/simulator/workloads.ts";
import { printTable } from "./report.ts";

const ways = ["round-robin", "sticky-until-saturated", "classic"] as const;
/** With every prompt in every cache nothing is left but to even out requests: about the best that picking can do where prompts share their starts. */
const leastRequests = profileSchema.parse({ scorers: [{ type: "active-request-scorer" }] });
/** Loads that are compared, by the knee. */
const loads = [0.5, 0.75, 1, 1.1];

/** In virtual time: round-robin's knee for each workload, and how the profiles compare with it there and around it. */
export function benchPickerKnees(): Promise<void> {
  for (const name of Object.keys(workloads) as WorkloadName[]) {
    const curve = curveOf(name);
    const knee = kneeOf(curve);
    console.log(`\n${name}: ${workloads[name].description}; 8 servers, ${requests} requests a run`);
    console.log(
      `round-robin's knee ${knee.toFixed(2)}/s (in use: ${knees[name]}/s); p90 ms by rate: ${curve
        .map(({ perS, p90Ms }) => `${perS.toFixed(2)}: ${p90Ms.map((ms) => ms.toFixed(0)).join(" ")}`)
        .join("; ")}`,
    );
    const table = [
      [
        "load",
        "seed",
        "p90 ms rr",
        "sticky",
        "classic",
        "all cached",
        "adapter loads",
        "from cache",
        "rr / sticky",
        "rr / all cached",
      ],
    ];
    for (const load of loads) for (const seed of seeds) table.push(compare(name, knees[name] * load, load, seed));
    printTable(table);
  }
  return Promise.resolve();
}

function compare(name: WorkloadName, perS: number, load: number, seed: number): string[] {
  const { arrivals, kvTokens } = workloads[name];
  const sent = arrivals(seed, perS, requests);
  const [roundRobin, sticky, classic] = ways.map((way) => runWorkload({ arrivals: sent, kvTokens, way }));
  const all = [roundRobin!, sticky!, classic!];
  const bound = runWorkload({ arrivals: sent, kvTokens, way: leastRequests, allCached: true });
  return [
    ...[
      `${load} × knee`,
      String(seed),
      ...all.map(({ ttftP90Ms }) => ttftP90Ms.toFixed(0)),
      bound.ttftP90Ms.toFixed(0),
    ],
    all.map(({ adapterLoads }) => adapterLoads).join(" / "),
    all.map(({ cachedShare }) => `${Math.round(cachedShare * 100)} %`).join(" / "),
    (roundRobin!.ttftP90Ms / sticky!.ttftP90Ms).toFixed(2),
    (roundRobin!.ttftP90Ms / bound.ttftP90Ms).toFixed(2),
  ];
}
