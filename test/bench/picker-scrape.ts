import { setTimeout as sleep } from "node:timers/promises";
import { startGateway, startUpstream } from "./contestants.ts";
import { poolConfig, startFleet } from "./picker-fleet.ts";
import type { Running } from "./process.ts";

/* V8 compiles what scrapes run for about as long. */
const SETTLE_MS = 20_000;
const WINDOW_MS = 20_000;

/** Share of a core that a gateway with nothing to do takes for a pool of so many endpoints. */
export async function measureScrapes(servers: number, metrics: "on" | "off"): Promise<number> {
  const started: Running[] = [];
  try {
    const { fleet, urls } = await startFleet(servers, 0);
    started.push(fleet);
    const { upstream, issueToken } = await startUpstream();
    started.push(upstream);
    const pool = metrics === "off" ? { metrics: "off" } : {};
    const gateway = await startGateway("llm", upstream, issueToken, { config: poolConfig(urls, pool) });
    started.push(gateway.process);
    await sleep(SETTLE_MS);
    const before = gateway.process.cpuUs();
    const startedMs = performance.now();
    await sleep(WINDOW_MS);
    return (gateway.process.cpuUs() - before) / (performance.now() - startedMs) / 1_000;
  } finally {
    await Promise.all(started.map((each) => each.stop()));
  }
}
