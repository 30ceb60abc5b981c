import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { manifestScenes, OBJECTS } from "./manifest-scenes.ts";
import type { SceneFigures } from "./processes/manifest-scene.ts";
import { median, printTable } from "./report.ts";

const program = fileURLToPath(new URL("processes/manifest-scene.ts", import.meta.url));
const page = "vllm:num_requests_waiting 0\nvllm:num_requests_running 0\nvllm:kv_cache_usage_perc 0\n";

/* What Node takes of a container's 1 GiB. With all of a larger machine's it collects later and is larger by half, and no faster. */
const HEAP = "--max-old-space-size=512";

/** Model servers that have nothing to do. */
async function startIdleServers(count: number) {
  const servers = Array.from({ length: count }, () => createServer((_, response) => response.end(page)));
  for (const each of servers) await once(each.listen(0, "127.0.0.1"), "listening");
  return {
    ports: servers.map((each) => (each.address() as AddressInfo).port),
    close() {
      for (const each of servers) {
        each.close();
        each.closeAllConnections();
      }
    },
  };
}

/** What a thousand of everything takes, each scene in a process of its own. */
export async function benchManifestMemory(): Promise<void> {
  const table = [["1,000 HTTPRoutes", "start", "change", "seen", "idle", "MiB", "after changes", "peak"]];
  for (const [index, { name, serversOfEach = 0 }] of manifestScenes.entries()) {
    const servers = await startIdleServers(serversOfEach * OBJECTS);
    const args = [HEAP, program, index, ...servers.ports].map(String);
    const { stdout } = await promisify(execFile)(process.execPath, args);
    servers.close();
    const found = JSON.parse(stdout) as SceneFigures;
    const figures = [found.startCpuMs, median([...found.changeCpuMs]), median([...found.changeMs])];
    const sizes = [found.afterStartMiB, found.afterChangesMiB, found.peakMiB];
    table.push([
      name,
      ...figures.map((ms) => ms.toFixed(0)),
      `${(found.idleShare * 100).toFixed(1)} %`,
      ...sizes.map((mib) => mib.toFixed(0)),
    ]);
  }
  console.log(
    "\nCPU ms of a start and of a change of one file, ms until a request sees the change; of a core while nobody calls; resident MiB\n",
  );
  printTable(table);
}
