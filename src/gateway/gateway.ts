import type { Config } from "../config/schema.ts";
import { createBufferBudget } from "../http/body.ts";
import { bindHostOf } from "../http/config.ts";
import { MAIN } from "../http/listeners-config.ts";
import { createEdge, type Edge } from "../http/edge.ts";
import { createConsole } from "../console/console.ts";
import { createStoredSecrets } from "../state/stored-secrets.ts";
import { createAdminActions } from "./admin-actions.ts";
import { adminTokenFile, loadAdminToken } from "./admin-token.ts";
import { createSessionKeep } from "./session-keep.ts";
import { rolesOf } from "./console-config.ts";
import { createConsoleReads } from "./console-reads.ts";
import { createControlPlane } from "./control-plane.ts";
import { createDataEdges } from "./data-edges.ts";
import { createEpochs, type Epochs } from "./epochs.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Foundation } from "./foundation.ts";
import { type Opened, openFoundation } from "./open-foundation.ts";
import type { EarlyHealth } from "./early-health.ts";
import { createHealth, type Doubt } from "./health.ts";
import type { ListenerState } from "./ports.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A running gateway. */
export interface Gateway {
  readonly addresses: { readonly data: Address; readonly console: Address; readonly health: Address };
  readonly epochs: Epochs;
  readonly foundation: Foundation;
  /** Whether each listener can be called: `main` first, which always can, then those of `listeners`. */
  listeners(): readonly ListenerState[];
  /** Swaps the configuration; rejects and changes nothing when the new one cannot be honoured. */
  reload(config: Config): Promise<void>;
  /** Not ready at once; lets what is under way finish within the configured grace, then stops everything. */
  drain(): Promise<void>;
}

/** What began before a gateway, and is the gateway's to close from then on. */
export interface Begun {
  readonly metrics?: Metrics;
  readonly health?: EarlyHealth;
  /** What is not as it should be outside of the gateway. */
  doubts?(): readonly Doubt[];
}

/** Starts a gateway: every listener is bound and every part is open when it resolves, and nothing is when it rejects. */
export async function startGateway(config: Config, begun: Begun = {}): Promise<Gateway> {
  const foundation = await openFoundation(config, begun.metrics);
  const opened: Opened[] = [foundation];
  try {
    return await startParts(config, begun, foundation, opened);
  } catch (error) {
    for (const part of opened.toReversed()) await part.close();
    throw error;
  }
}

async function startParts(config: Config, begun: Begun, foundation: Foundation, opened: Opened[]): Promise<Gateway> {
  const { log, clock, metrics } = foundation;
  const epochs = await createEpochs(config, foundation);
  opened.push(epochs);
  const life = { state: "ready" as "ready" | "draining" };
  const control = createControlPlane(() => epochs.current().auth.router, log);
  /* What the listeners have in common: the limit on bodies in memory is one of the process. */
  const common = { clock, log, budget: createBufferBudget(config.limits.buffers) };
  const { main: data, ports } = createDataEdges({ config, epochs, foundation, control, budget: common.budget });
  const ready = () => ({ ready: life.state === "ready", reason: life.state });
  const answerHealth = createHealth({
    ready,
    doubts: () => begun.doubts?.() ?? [],
    upstreams: foundation.failover.breakers.list,
    listeners: ports.list,
    metrics: metrics.render,
  });
  const health =
    begun.health?.take(answerHealth) ?? createEdge({ ...common, config, listener: "health", dispatch: answerHealth });
  const pages = createConsole({
    reads: createConsoleReads(epochs, foundation),
    actions: createAdminActions(epochs, foundation, () => ({ state: life.state, inFlight: foundation.inFlight.count })),
    adminToken: loadAdminToken(adminTokenFile(config)),
    auth: () => epochs.current().auth,
    roleOf: (principal) => rolesOf(epochs.current().config.console)(principal),
    url: () => epochs.current().config.console.url,
    sessions: createSessionKeep(foundation.store),
    secret: await createStoredSecrets(foundation.store)("console"),
    clock,
    log: log.child({ part: "console" }),
  });
  const consoleEdge = createEdge({
    ...common,
    config,
    listener: "console",
    dispatch: (incoming) => {
      const { req, res } = incoming.raw();
      pages.app(req, res);
    },
  });
  const edges: readonly Edge[] = [data, consoleEdge, health];
  opened.push(...edges, ports);
  // First, for their certificates: `listen` may share its port with them.
  await ports.follow(config);
  const addresses = await listenAll(edges);
  log.info(
    { data: addresses.data, console: addresses.console, health: addresses.health, bind: bindHostOf(config) },
    "ready",
  );
  return {
    addresses,
    epochs,
    foundation,
    listeners: () =>
      [{ name: MAIN, bound: true }, ...ports.list()].map((each) =>
        each.bound ? { address: addresses.data, ...each } : each,
      ),
    async reload(next) {
      await epochs.reload(next);
      await ports.follow(next);
    },
    async drain() {
      life.state = "draining";
      epochs.endStanding();
      const graceMs = epochs.current().config.drain.grace;
      await Promise.all([data.drain(graceMs), ports.drain(graceMs)]);
      pages.close();
      await Promise.all([consoleEdge.close(), health.close()]);
      await epochs.close();
      await foundation.close();
    },
  };
}

/** Binds all listeners, or rejects: a gateway that half listens would look alive. */
async function listenAll(edges: readonly Edge[]): Promise<Gateway["addresses"]> {
  const [data, consoleAddress, health] = await Promise.all(edges.map((edge) => edge.listen()));
  if (data === undefined || consoleAddress === undefined || health === undefined) throw new Error("three listeners");
  return { data, console: consoleAddress, health };
}
