import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openConfig } from "../../src/config/reload.ts";
import type { Config } from "../../src/config/schema.ts";
import { silentLog } from "../../src/core/log.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { createFolderSource } from "../../src/k8s/folder-source.ts";
import { ask } from "../services/services-scene.ts";
import { benchManifestMemory } from "./manifest-memory.ts";
import { median, printTable } from "./report.ts";

const ROUTES = 1_000;
const SERVICES = 100;
const ENDPOINTS_OF_EACH = 10;
const ROUTES_A_FILE = 10;
const ROUNDS = 7;
/** As `serve --manifests` looks. */
const LOOK_MS = 200;

const API = "apiVersion: gateway.networking.k8s.io/v1";
const gateway = `${API}
kind: Gateway
metadata: {name: gw, namespace: infra}
spec: {gatewayClassName: sallyport, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
`;

/* Three matches, filters, weights and timeouts; the last rule answers by itself, so that a change is seen without a service. */
const route = (index: number, version: number) => `${API}
kind: HTTPRoute
metadata: {name: r${index}, namespace: n${index % SERVICES}}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  hostnames: [r${index}.example.com]
  rules:
    - matches: [{path: {value: /api}}, {headers: [{name: x-version, value: "2"}]}]
      filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-route, value: r${index}}]}}]
      backendRefs: [{name: shop, port: 80, weight: 90}, {name: nobody, port: 80, weight: 10}]
      timeouts: {request: 30s}
    - matches: [{path: {value: /where}}]
      filters: [{type: RequestRedirect, requestRedirect: {hostname: v${version}.example.com}}]
`;

const service = (index: number) => `apiVersion: v1
kind: Service
metadata: {name: shop, namespace: n${index}}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-1, namespace: n${index}, labels: {kubernetes.io/service-name: shop}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [${Array.from({ length: ENDPOINTS_OF_EACH }, (_, n) => `{addresses: [10.0.${index}.${n}]}`).join(", ")}]
`;

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** How long something took, and how much of that this process was at work: the other is the machine's to say. */
interface Times {
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

const noTimes = (): Times => ({ wallMs: [], cpuMs: [] });

async function timed<T>({ wallMs, cpuMs }: Times, work: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  wallMs.push(performance.now() - startedAt);
  cpuMs.push((user + system) / 1_000);
  return result;
}

/** What a folder of a thousand routes and a thousand endpoints costs to start with, and what a change of one file costs. */
export async function benchManifests(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const routesFile = (file: number, version: number) =>
    writeFileSync(
      join(dir, `routes-${file}.yaml`),
      range(ROUTES_A_FILE)
        .map((index) => route(file * ROUTES_A_FILE + index, version))
        .join("---\n"),
    );
  writeFileSync(join(dir, "gateway.yaml"), gateway);
  writeFileSync(join(dir, "services.yaml"), range(SERVICES).map(service).join("---\n"));
  for (const file of range(ROUTES / ROUTES_A_FILE)) routesFile(file, 0);
  const file = join(dir, ".base.yaml");
  writeFileSync(
    file,
    "listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}\nstate: memory\nobservability: {log: {level: silent}}\n",
  );
  const source = createFolderSource({ path: dir, file, backends: new Map() });
  const times = { read: noTimes(), start: noTimes(), build: noTimes(), reload: noTimes(), seen: noTimes() };
  const configOf = ({ read }: ReturnType<typeof source.build>): Config => {
    if (read.config === undefined) throw read.error;
    return read.config;
  };
  const config = configOf(await timed(times.read, () => source.build()));
  const running = await timed(times.start, () => startGateway(config));
  for (const round of range(ROUNDS)) {
    routesFile(round, 1);
    const next = configOf(await timed(times.build, () => source.build()));
    await timed(times.reload, () => running.reload(next));
  }
  const opened = await openConfig(source);
  opened.watch({ log: silentLog, intervalMs: LOOK_MS, apply: (next) => running.reload(next) });
  const { port } = running.addresses.data;
  for (const round of range(ROUNDS))
    await timed(times.seen, async () => {
      routesFile(round, 2);
      const host = `r${round * ROUTES_A_FILE}.example.com`;
      for (;;) {
        const { headers } = await ask(port, "/where", { host });
        if (headers.location === "http://v2.example.com/where") return;
        await sleep(5);
      }
    });
  opened.close();
  await running.drain();
  rmSync(dir, { recursive: true, force: true });
  console.log(
    `manifests: ${ROUTES} HTTPRoutes with ${3 * ROUTES} matches, ${SERVICES} Services, ${SERVICES * ENDPOINTS_OF_EACH} endpoints in ${ROUTES / ROUTES_A_FILE + 2} files; a change is of one file; medians of ${ROUNDS}\n` +
      `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`,
  );
  const toRow = (name: string, { wallMs, cpuMs }: Times): string[] => [
    name,
    median(wallMs).toFixed(0),
    Math.max(...wallMs).toFixed(0),
    median(cpuMs).toFixed(0),
  ];
  printTable([
    ["", "ms", "worst ms", "CPU ms"],
    toRow("start: read, translate and check the folder", times.read),
    toRow("start: open the gateway", times.start),
    toRow("change: read, translate and check", times.build),
    toRow("change: build and swap", times.reload),
    toRow("change: from writing the file to the first request that sees it", times.seen),
  ]);
  await benchManifestMemory();
}
