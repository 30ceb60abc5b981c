import { isDeepStrictEqual } from "node:util";
import type { ReadConfig } from "../../config/load.ts";
import type { ConfigReader, ConfigSource } from "../../config/reload.ts";
import type { Config } from "../../config/schema.ts";
import { buildConfig } from "../build-config.ts";
import { defaultOptions } from "../options.ts";
import { type ClusterOptions, openCluster } from "./cluster.ts";
import type { Doubt } from "./steady-kinds.ts";

export interface ClusterConfigOptions extends Omit<ClusterOptions<unknown>, "build" | "controllerName"> {
  /** The configuration file that the objects are added to. */
  readonly file: string | undefined;
}

/** Whether a listener of the configuration is bound, and why not. */
interface Listener {
  readonly name: string;
  readonly bound: boolean;
  readonly reason?: string;
}

/** What an API server and a file say together, as configuration. */
export interface ClusterConfig extends ConfigReader {
  /** Resolves when it is known of every kind what there is of it, or that it cannot be read. Waits for the server; rejects with the signal's reason. */
  ready(signal: AbortSignal): Promise<void>;
  /** What is not known of the objects in what is in force, and whether the server is away. */
  doubts(): readonly Doubt[];
  /** Puts a configuration in force by `reload` if it is not what is, and says so in the statuses of the objects. */
  apply(config: Config, reload: () => Promise<void>): Promise<"unchanged" | void>;
  /** The source's first configuration is in force: every change is taken up from here on. */
  watch(source: Pick<ConfigSource, "config" | "takeUp">, listeners: () => readonly Listener[]): void;
  /** Resolves when what is known is in force and its statuses are written. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** A port may become free, or not, long after a configuration is in force. */
const LOOK_AT_LISTENERS_MS = 5_000;

/** Starts to follow an API server. Everything is let go of by `close`. */
export function openClusterConfig({ file, ...options }: ClusterConfigOptions): ClusterConfig {
  let inForce: Config | undefined;
  let unbound: ReadonlyMap<string, string> = new Map();
  let timer: NodeJS.Timeout | undefined;
  let result: "applied" | "unchanged" | "refused" = "refused";
  const cluster = openCluster<ReadConfig>({
    ...options,
    controllerName: () => inForce?.kubernetes.controllerName ?? defaultOptions.controllerName,
    build(manifests, look, unknown) {
      const { podNamespace } = options.access;
      const given = { file, source: "cluster", podNamespace, observe: look, unbound, unknown } as const;
      const { read, translation } = buildConfig(manifests, [], given);
      return { result: read, translation };
    },
  });
  return {
    name: options.access.server,
    ready: cluster.ready,
    doubts: cluster.doubts,
    read: cluster.read,
    async apply(config, reload) {
      result = isDeepStrictEqual(config, inForce) ? "unchanged" : "applied";
      if (result === "applied") {
        try {
          await reload();
        } catch (error) {
          result = "refused";
          throw error;
        }
        inForce = config;
      }
      cluster.inForce();
      return result === "unchanged" ? result : undefined;
    },
    watch(source, listeners) {
      inForce = source.config;
      const look = () => {
        const now = new Map(listeners().flatMap(({ name, bound, reason = "" }) => (bound ? [] : [[name, reason]])));
        if (isDeepStrictEqual(now, unbound)) return;
        unbound = now;
        cluster.touch();
      };
      cluster.inForce();
      cluster.watch({
        async takeUp() {
          result = "refused";
          await source.takeUp();
          look();
          return result;
        },
      });
      look();
      timer = setInterval(look, LOOK_AT_LISTENERS_MS);
      timer.unref();
    },
    idle: cluster.idle,
    async close() {
      clearInterval(timer);
      await cluster.close();
    },
  };
}
