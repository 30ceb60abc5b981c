import { cpus } from "node:os";
import { measurePicks, pickWorkloads } from "./picker-pick.ts";
import { measureScrapes } from "./picker-scrape.ts";
import { printTable } from "./report.ts";

const profiles = ["sticky-until-saturated", "classic"] as const;

/** What picking an endpoint costs; the last line is that of a conversation's next turn with the default profile. */
export async function benchPicker(): Promise<void> {
  console.log(
    `picker: 100 endpoints, prompts of 10,240 tokens in 40 kB, prefix caches full; µs\n` +
      `wall time, each a median and a 99th part; CPU is user and system time of the thread, the mean\n` +
      `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`,
  );
  const table = [["", "hash p50", "pick p50", "both p50", "both p99", "both CPU"]];
  for (const profile of profiles) {
    for (const workload of pickWorkloads) {
      const found = measurePicks(profile, workload);
      const { hashP50Us, pickP50Us, bothP50Us, bothP99Us, cpuUs } = found;
      table.push([
        `${profile}, ${workload}`,
        ...[hashP50Us, pickP50Us, bothP50Us, bothP99Us, cpuUs].map((us) => us.toFixed(1)),
      ]);
    }
  }
  printTable(table);
  const [scraping, idle] = [await measureScrapes(100, "on"), await measureScrapes(100, "off")];
  const share = (of: number) => `${(of * 100).toFixed(1)} %`;
  console.log(
    `\na gateway with nothing to do but to scrape 100 endpoints, at most 200 times a second together, takes ${share(scraping)} of a core, without that ${share(idle)}\n`,
  );
  console.log(
    `bench picker: p50 ${table[2]![3]} µs, p99 ${table[2]![4]} µs a pick, scraping ${share(scraping - idle)} of a core`,
  );
}
