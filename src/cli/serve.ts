import { resolve } from "node:path";
import { openConfig } from "../config/reload.ts";
import type { Config } from "../config/schema.ts";
import { startGateway, type Gateway } from "../gateway/gateway.ts";
import { defineCommand, UsageError } from "./command.ts";
import { checkKubernetesOptions, kubernetesOptions, openKubernetes } from "./kubernetes.ts";
import { mendTextMethods } from "./mend-text-methods.ts";
import { startQuickstart } from "./quickstart.ts";
import { defaultDataDir } from "./quickstart-place.ts";
import { folderOf, manifestOptions } from "./manifest-options.ts";
import { tuneV8 } from "./tune-v8.ts";

/* Taken up once two looks have found the same: a change is in force well within a second. */
const LOOK_AT_MANIFESTS_MS = 200;

export const serveCommand = defineCommand({
  usage:
    "--config FILE | --manifests DIR [--config FILE] [--backend NAME.NAMESPACE=URL …] | --kubernetes [--config FILE] [--kubeconfig FILE] [--context NAME] [--namespace NS …] | --quickstart [--config FILE]",
  options: {
    config: {
      type: "string",
      short: "c",
      value: "FILE",
      description:
        "the configuration, such as sallyport.yaml; with --quickstart: one over its samples, in place of its own; with --manifests or --kubernetes: what those are added to",
    },
    ...manifestOptions,
    ...kubernetesOptions,
    port: {
      type: "string",
      value: "N",
      description: "with --quickstart: the port (default 4000); console and health take the next two",
    },
    data: {
      type: "string",
      value: "DIR",
      description: "with --quickstart: where state and generated credentials are kept (default ./data)",
    },
    quickstart: { type: "boolean", description: "run with sample tools, agents and models, on this machine alone" },
  },
  async run({ options, err }) {
    if (!options.quickstart && !options.kubernetes && (options.config ?? options.manifests) === undefined)
      throw new UsageError("give --config FILE, --manifests DIR, --kubernetes or --quickstart");
    if (options.quickstart && (options.kubernetes || options.manifests !== undefined))
      throw new UsageError(
        `--${options.kubernetes ? "kubernetes" : "manifests"} does not go with --quickstart, which has samples of its own`,
      );
    if (options.kubernetes && options.manifests !== undefined)
      throw new UsageError(
        "--kubernetes does not go with --manifests: objects come from an API server or from a folder",
      );
    checkKubernetesOptions(options);
    const folder = folderOf(options);
    if (!options.quickstart && (options.port ?? options.data) !== undefined)
      throw new UsageError("--port and --data go with --quickstart");
    tuneV8();
    mendTextMethods();
    const quickstart = options.quickstart
      ? await startQuickstart({
          port: parsePort(options.port ?? "4000"),
          dataDir: resolve(options.data ?? defaultDataDir),
          config: options.config,
        })
      : undefined;
    const adjust = (config: Config) => quickstart?.override(config) ?? config;
    const kubernetes = options.kubernetes ? await openKubernetes(options) : undefined;
    if (options.kubernetes && kubernetes === undefined) return 0;
    const cluster = kubernetes?.cluster;
    try {
      const source = await openConfig(
        cluster ?? folder ?? resolve(quickstart?.configFile ?? options.config ?? ""),
        quickstart === undefined ? {} : { env: { ...process.env, ...quickstart.env } },
      );
      const gateway = await startGateway(adjust(source.config), kubernetes);
      const { log, metrics } = gateway.foundation;
      const reload = async (config: Config) => {
        await gateway.reload(adjust(config));
        metrics.configReload("applied");
      };
      source.watch({
        log,
        apply: (config) => (cluster === undefined ? reload(config) : cluster.apply(config, () => reload(config))),
        refused: () => metrics.configReload("refused"),
        ...(folder !== undefined && { intervalMs: LOOK_AT_MANIFESTS_MS }),
      });
      await kubernetes?.logTo(log);
      cluster?.watch(source, gateway.listeners);
      if (quickstart === undefined) {
        const { host, port } = gateway.addresses.console;
        const passcode = await gateway.epochs.current().auth.unusedPasscode();
        if (passcode !== undefined)
          err(
            `Sign in as operator with the passcode ${passcode}, at the console too (http://${host}:${port}); it is kept as a hash only.`,
          );
      } else await quickstart.ready(gateway, err);
      await untilStopped(gateway);
      source.close();
      /* Another replica is to write what becomes of the objects from here on, while requests still end in this one. */
      await Promise.all([gateway.drain(), kubernetes?.close()]);
      return 0;
    } finally {
      await kubernetes?.close();
      await quickstart?.stop();
    }
  },
});

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_533)
    throw new UsageError(`--port takes a number from 1 to 65533, not "${text}"`);
  return port;
}

/** The first signal drains; a second one is an operator who will not wait. */
function untilStopped(gateway: Gateway): Promise<void> {
  return new Promise((stop) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked) process.exit(130);
      asked = true;
      gateway.foundation.log.info({ signal }, "stopping");
      stop();
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
