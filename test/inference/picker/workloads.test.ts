import { describe, expect, test } from "vitest";
import { knees, requests, seeds } from "./simulator/knees.ts";
import { type RunResult, runWorkload } from "./simulator/run-workload.ts";
import { type WorkloadName, workloads } from "./simulator/workloads.ts";

const timeout = 60_000;
const servers = 8;

interface Compared {
  readonly roundRobin: RunResult;
  readonly sticky: RunResult;
}

const known = new Map<string, Compared>();

/** Round-robin and the default profile, at round-robin's knee. */
function compared(name: WorkloadName, seed: number): Compared {
  const key = `${name} ${seed}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const { arrivals, kvTokens } = workloads[name];
  const run = { arrivals: arrivals(seed, knees[name], requests), kvTokens };
  const made = {
    roundRobin: runWorkload({ ...run, way: "round-robin" }),
    sticky: runWorkload({ ...run, way: "sticky-until-saturated" }),
  };
  known.set(key, made);
  return made;
}

describe.each(seeds)("at round-robin's knee, seed %i", (seed) => {
  test.each(["sharedPrefixes", "shortAnswers", "multiTurn"] as const)(
    "the first token comes at least 2.5 times as soon (%s)",
    { timeout },
    (name) => {
      const { roundRobin, sticky } = compared(name, seed);
      expect(roundRobin.ttftP90Ms / sticky.ttftP90Ms).toBeGreaterThan(2.5);
    },
  );

  test("adapters are loaded at least five times less often", { timeout }, () => {
    const { roundRobin, sticky } = compared("manyAdapters", seed);
    expect(roundRobin.adapterLoads / sticky.adapterLoads).toBeGreaterThan(5);
  });

  test.each(Object.keys(workloads) as WorkloadName[])("%s is no more than 5 percent worse off", { timeout }, (name) => {
    const { roundRobin, sticky } = compared(name, seed);
    expect(sticky.ttftP90Ms).toBeLessThan(roundRobin.ttftP90Ms * 1.05);
    expect(sticky.done).toBeGreaterThan(roundRobin.done * 0.95);
  });

  test.each(["shortAnswers", "bursts"] as const)(
    "three replicas with metrics two seconds old do not herd (%s)",
    { timeout },
    (name) => {
      const { arrivals, kvTokens } = workloads[name];
      const run = { arrivals: arrivals(seed, knees[name], 2_000), kvTokens, replicas: 3, scrapeEveryMs: 1_900 };
      const result = runWorkload({ ...run, way: "sticky-until-saturated" });
      const roundRobin = runWorkload({ ...run, way: "round-robin" });
      expect(result.imbalance).toBeLessThan(1.25);
      expect(result.ttftP90Ms).toBeLessThan(roundRobin.ttftP90Ms * 1.05);
    },
  );

  test.each(["silent", "lying", "failing"] as const)(
    "a server that turns %s costs less than its share of the requests",
    { timeout },
    (fault) => {
      const { arrivals, kvTokens } = workloads.shortAnswers;
      // So that seven servers can do the work of eight.
      const sent = arrivals(seed, knees.shortAnswers * 0.75, 2_000);
      const result = runWorkload({ arrivals: sent, kvTokens, way: "sticky-until-saturated", fault });
      expect(result.lost).toBeGreaterThan(0);
      expect(result.lost).toBeLessThan(1 / servers);
      expect(result.ttftP90Ms).toBeLessThan(compared("shortAnswers", seed).roundRobin.ttftP90Ms * 1.05);
    },
  );
});
