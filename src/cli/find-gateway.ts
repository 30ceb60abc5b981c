import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadAdminConfig } from "../config/load-admin.ts";
import { adminTokenFile } from "../gateway/admin-token.ts";
import { UsageError } from "./command.ts";
import { quickstartPlace } from "./quickstart-place.ts";

/** The options of every command that speaks to a running gateway. */
export const gatewayOptions = {
  config: {
    type: "string",
    short: "c",
    value: "FILE",
    description:
      "the configuration the gateway runs with (default: ./sallyport.yaml; where there is none, the quickstart's)",
  },
  data: {
    type: "string",
    value: "DIR",
    description: "in place of --config: the folder of a quickstart that was started with --data",
  },
} as const;

/** Where a gateway's admin API is, and how that was found out. */
export interface GatewayPlace {
  readonly url: string;
  readonly tokenFile: string;
  /** For messages: which gateway this is, and how to name another. */
  readonly which: string;
}

const DEFAULT_FILE = "sallyport.yaml";

export interface GatewayOptions {
  readonly config: string | undefined;
  readonly data: string | undefined;
}

/**
 * The gateway that the options name or, without any, the one of `sallyport.yaml` in this folder or else the quickstart. Whether it runs
 * is not asked. Throws a UsageError, or a ConfigError for a file that cannot be read.
 */
export function findGateway({ config, data }: GatewayOptions, folder: string = process.cwd()): GatewayPlace {
  if (config !== undefined && data !== undefined) throw new UsageError("give either --config FILE or --data DIR");
  if (config !== undefined) return placeOf(config, `the gateway of ${config}`);
  if (data !== undefined)
    return { ...quickstartPlace(resolve(data)), which: `the quickstart with its data in ${data}` };
  const found = join(folder, DEFAULT_FILE);
  if (existsSync(found))
    return placeOf(found, `the gateway of ./${DEFAULT_FILE}; --config FILE names another, --data DIR a quickstart`);
  return {
    ...quickstartPlace(),
    which: `the quickstart, as there is no ${DEFAULT_FILE} in this folder; --config FILE names another gateway`,
  };
}

function placeOf(file: string, which: string): GatewayPlace {
  const config = loadAdminConfig(file);
  const { host, port } = config.listen.console;
  return { url: `http://${reachable(host)}:${port}`, tokenFile: adminTokenFile(config), which };
}

/** An address to call, from the one that is bound: "every address" is none that can be called. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
