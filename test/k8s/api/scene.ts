import { systemClock } from "../../../src/core/clock.ts";
import type { Log } from "../../../src/core/log.ts";
import type { ApiAccess } from "../../../src/k8s/api/api-access.ts";
import { type ApiClient, createApiClient } from "../../../src/k8s/api/api-client.ts";
import type { Followed } from "../../../src/k8s/api/api-object.ts";
import { createKubernetesMetrics, type KubernetesMetrics } from "../../../src/k8s/api/kubernetes-metrics.ts";
import type { Pace } from "../../../src/k8s/api/pace.ts";
import { type Change, createReflector, type Reflector } from "../../../src/k8s/api/reflector.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function createLineLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ level, message, fields });
  const log = { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}

/** As in production, but in milliseconds where that waits for seconds. */
export const quickPace: Pace = {
  firstBackOffMs: 5,
  lastBackOffMs: 50,
  watchMs: [60_000, 60_000],
  silenceMs: [5_000, 5_000],
  unknownAfterMs: 30,
  shortWatchMs: 20,
  recheckMs: 60,
  writeGapMs: 0,
  contestedMs: 60_000,
};

export const accessTo = (server: ApiServer, token?: () => string): ApiAccess => ({
  from: "a test",
  server: server.url,
  namespace: "sallyport",
  credentials: () =>
    Promise.resolve({ headers: token === undefined ? {} : { authorization: `Bearer ${token()}` }, tls: {} }),
  renew() {},
});

export const routes: Followed = {
  group: "gateway.networking.k8s.io",
  kind: "HTTPRoute",
  plural: "httproutes",
  versions: ["v1", "v1beta1"],
};

export const route = (name: string, path = "/", namespace = "default") => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name, namespace },
  spec: { rules: [{ matches: [{ path: { type: "PathPrefix", value: path } }] }] },
});

/** A server, a client of it, and what follows it; all of it is closed by `close`. */
export interface Scene {
  readonly server: ApiServer;
  readonly client: ApiClient;
  readonly metrics: KubernetesMetrics;
  readonly log: ReturnType<typeof createLineLog>;
  readonly changes: Change[];
  follow(followed?: Followed, pace?: Partial<Pace>): Reflector;
  /** How often a verb was used on a kind. */
  asked(verb: string, plural?: string): number;
  page(): Promise<string>;
  close(): Promise<void>;
}

export async function openScene(access: (server: ApiServer) => ApiAccess = accessTo): Promise<Scene> {
  const server = await startApiServer();
  const log = createLineLog();
  const { meter, render, close } = createMetrics();
  const metrics = createKubernetesMetrics(meter);
  const clock = systemClock;
  const client = createApiClient({ access: access(server), clock, log, metrics });
  const changes: Change[] = [];
  const reflectors: Reflector[] = [];
  return {
    server,
    client,
    metrics,
    log,
    changes,
    follow(followed = routes, pace = {}) {
      const reflector = createReflector({
        followed,
        client,
        clock,
        log,
        metrics,
        pace: { ...quickPace, ...pace },
        changed: (more) => changes.push(...more),
        heard: () => metrics.heard(followed.plural, reflector.heardAt),
      });
      reflectors.push(reflector);
      return reflector;
    },
    asked: (verb, plural = "httproutes") =>
      server.requests.filter((request) => request.verb === verb && request.resource.plural === plural).length,
    page: async () => (await render()).body,
    async close() {
      await Promise.all(reflectors.map((reflector) => reflector.close()));
      await client.close();
      close();
      await server.stop().catch(() => undefined);
    },
  };
}
