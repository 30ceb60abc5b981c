import { cpus, tmpdir } from "node:os";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openConfig } from "../../src/config/reload.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { openClusterConfig } from "../../src/k8s/api/cluster-config.ts";
import { createKubernetesMetrics } from "../../src/k8s/api/kubernetes-metrics.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { endpoints, gatewayClass, httpRoute, mainGateway, service } from "../k8s/api/cluster-scene.ts";
import { accessTo } from "../k8s/api/scene.ts";
import { startApiServer } from "../k8s/api-server/api-server.ts";
import { ask, startService } from "../services/services-scene.ts";
import { median, printTable } from "./report.ts";

const ROUTES = 1_000;
const SERVICES = 100;
const ENDPOINTS_OF_EACH = 10;
const ROUNDS = 7;

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** What following an API server with a thousand routes and a thousand endpoints costs, and what one change does. */
export async function benchKubernetes(): Promise<void> {
  const server = await startApiServer();
  const [old, fresh] = [
    await startService((_, response) => response.end("old")),
    await startService((_, response) => response.end("new")),
  ];
  const others = (index: number) => range(ENDPOINTS_OF_EACH - 1).map((at) => `10.1.${index}.${at + 1}`);
  for (const object of [gatewayClass, mainGateway()]) server.apply(object);
  for (const index of range(SERVICES)) {
    server.apply(service(`s${index}`));
    server.apply(endpoints(`s${index}`, old.port, others(index)));
  }
  for (const index of range(ROUTES)) server.apply(httpRoute(`r${index}`, `/r/${index}`, `s${index % SERVICES}`));
  const dir = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const file = join(dir, "base.yaml");
  writeFileSync(
    file,
    "listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}\nstate: memory\npolicies: open\nobservability: {log: {level: silent}}\n",
  );

  let startedAt = performance.now();
  const lap = () => {
    const now = performance.now();
    const ms = now - startedAt;
    startedAt = now;
    return ms;
  };
  const metrics = createMetrics();
  const cluster = openClusterConfig({
    file,
    access: accessTo(server),
    namespaces: [],
    clock: systemClock,
    log: silentLog,
    metrics: createKubernetesMetrics(metrics.meter),
  });
  await cluster.ready(new AbortController().signal);
  const source = await openConfig(cluster);
  const readMs = lap();
  const gateway = await startGateway(source.config, { metrics });
  const openMs = lap();
  source.watch({ log: silentLog, apply: (config) => cluster.apply(config, () => gateway.reload(config)) });
  cluster.watch(source, gateway.listeners);
  await cluster.idle();
  while (server.get("HTTPRoute", "default", `r${ROUTES - 1}`)["status"] === undefined) await sleep(20);
  await cluster.idle();
  const statusesMs = lap();

  const { port } = gateway.addresses.data;
  const seen = async (change: () => void, path: string, body: string): Promise<number> => {
    const since = performance.now();
    change();
    while ((await ask(port, path)).text() !== body) await sleep(5);
    const ms = performance.now() - since;
    await cluster.idle();
    return ms;
  };
  const times = { route: [] as number[], endpoint: [] as number[] };
  server.apply(service("shop"));
  server.apply(endpoints("shop", old.port));
  for (const round of range(ROUNDS)) {
    const change = () => void server.apply(httpRoute(`late${round}`, `/late/${round}`));
    times.route.push(await seen(change, `/late/${round}`, round % 2 === 0 ? "old" : "new"));
    const next = round % 2 === 0 ? fresh : old;
    const move = () => void server.apply(endpoints("shop", next.port));
    times.endpoint.push(await seen(move, "/late/0", round % 2 === 0 ? "new" : "old"));
  }
  source.close();
  await cluster.close();
  await gateway.drain();
  await server.stop();
  await Promise.all([old.close(), fresh.close()]);
  rmSync(dir, { recursive: true, force: true });
  console.log(
    `kubernetes: ${ROUTES} HTTPRoutes, ${SERVICES} Services, ${SERVICES * ENDPOINTS_OF_EACH} endpoints at an API server in the same process; medians of ${ROUNDS}\n` +
      `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`,
  );
  const ms = (values: readonly number[], pick: (all: readonly number[]) => number = median) => pick(values).toFixed(0);
  const worst = (all: readonly number[]) => Math.max(...all);
  printTable([
    ["", "ms", "worst"],
    ["start: read from the API server, translate and check", readMs.toFixed(0), ""],
    ["start: open the gateway", openMs.toFixed(0), ""],
    ["start: every status written", statusesMs.toFixed(0), ""],
    ["change: from a new route to the first request that it serves", ms(times.route), ms(times.route, worst)],
    ["change: from moved endpoints to the first request there", ms(times.endpoint), ms(times.endpoint, worst)],
  ]);
}
