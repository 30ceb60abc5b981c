/* Serves one scene of `manifest-scenes.ts` in a process of its own, changes it, and prints what that took as one line of JSON. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tuneV8 } from "../../../src/cli/tune-v8.ts";
import { openConfig } from "../../../src/config/reload.ts";
import { silentLog } from "../../../src/core/log.ts";
import { startGateway } from "../../../src/gateway/gateway.ts";
import { createFolderSource } from "../../../src/k8s/folder-source.ts";
import { ask } from "../../services/services-scene.ts";
import { gatewayManifest, manifestScenes, OBJECTS } from "../manifest-scenes.ts";

export interface SceneFigures {
  readonly startCpuMs: number;
  readonly changeMs: readonly number[];
  readonly changeCpuMs: readonly number[];
  /** Of a core, with nobody calling. */
  readonly idleShare: number;
  readonly afterStartMiB: number;
  readonly afterChangesMiB: number;
  readonly peakMiB: number;
}

const ROUTES_A_FILE = 10;
const CHANGES = 20;
const SETTLE_MS = 5_000;
/* Then the change has not been taken up, and never will be. */
const LONGEST_MS = 30_000;

tuneV8();
const [which, ...servers] = process.argv.slice(2).map(Number);
const scene = manifestScenes[which!]!;
const portsOf = (index: number) => {
  const { serversOfEach: count = 0 } = scene;
  return servers.slice(index * count, (index + 1) * count);
};
const dir = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
const write = (file: number, version: number) =>
  writeFileSync(
    join(dir, `objects-${file}.yaml`),
    Array.from({ length: ROUTES_A_FILE }, (_, at) => file * ROUTES_A_FILE + at)
      .flatMap((index) => scene.of(index, version, portsOf(index)))
      .join("---\n"),
  );
writeFileSync(join(dir, "gateway.yaml"), gatewayManifest);
for (let file = 0; file < OBJECTS / ROUTES_A_FILE; file++) write(file, 0);
const base = join(dir, ".base.yaml");
writeFileSync(
  base,
  "listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}\nstate: memory\nobservability: {log: {level: silent}}\n",
);

const residentMiB = () => process.memoryUsage.rss() / 1_048_576;
/** What this process was at work since, in milliseconds; how long it took is the machine's to say where others run beside it. */
const cpuMs = (since?: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
};
const before = process.cpuUsage();
const opened = await openConfig(createFolderSource({ path: dir, file: base, backends: new Map() }));
const running = await startGateway(opened.config);
const startCpuMs = cpuMs(before);
opened.watch({ log: silentLog, intervalMs: 200, apply: (next) => running.reload(next) });
await sleep(SETTLE_MS);
const afterStartMiB = residentMiB();
const idleFrom = { cpu: process.cpuUsage(), atMs: performance.now() };
await sleep(SETTLE_MS);
const idleShare = cpuMs(idleFrom.cpu) / (performance.now() - idleFrom.atMs);
const changeMs: number[] = [];
const changeCpuMs: number[] = [];
const { port } = running.addresses.data;
for (let change = 0; change < CHANGES; change++) {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  write(change, change + 1);
  const headers = { host: `r${change * ROUTES_A_FILE}.example.com` };
  for (;;) {
    const answer = await ask(port, "/where", headers);
    if (answer.headers.location === `http://v${change + 1}.example.com/where`) break;
    if (performance.now() - startedMs > LONGEST_MS)
      throw new Error(`${scene.name}: still ${answer.status}, to ${answer.headers.location}: ${answer.body}`);
    await sleep(5);
  }
  changeMs.push(performance.now() - startedMs);
  changeCpuMs.push(cpuMs(cpu));
}
await sleep(SETTLE_MS);
const afterChangesMiB = residentMiB();
opened.close();
rmSync(dir, { recursive: true, force: true });
const peakMiB = process.resourceUsage().maxRSS / 1_024;
const found: SceneFigures = { startCpuMs, changeMs, changeCpuMs, idleShare, afterStartMiB, afterChangesMiB, peakMiB };
console.log(JSON.stringify(found));
process.exit();
