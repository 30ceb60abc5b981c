import { isLoopbackHost, parseAddress } from "../http/address.ts";
import { k8sConfig, type KubernetesConfig } from "./config.ts";
import { isMap, type JsonMap } from "./manifest.ts";
import { defaultOptions, type TranslateOptions } from "./options.ts";

/** What is known beside the configuration file. */
export interface GivenOptions extends Partial<
  Omit<TranslateOptions, "base" | "ports" | "listen" | "controllerName" | "className" | "platformNamespaces">
> {
  /** That of the pod this runs in. */
  readonly podNamespace?: string | undefined;
}

const HTTPS_PORT = 4_443;

/**
 * What translating needs to know, by a configuration as a file holds it. What is not as it should be there is said when the whole is
 * checked, and not here.
 */
export function toOptions(base: JsonMap, { podNamespace, ...given }: GivenOptions): TranslateOptions {
  const read = k8sConfig.kubernetes.safeParse(base["kubernetes"] ?? {});
  const { ports, platformNamespaces, controllerName, className }: KubernetesConfig = read.data ?? {
    controllerName: defaultOptions.controllerName,
    className: defaultOptions.className,
  };
  const usualPlatform =
    given.source === "cluster"
      ? [podNamespace].filter((name) => name !== undefined)
      : defaultOptions.platformNamespaces;
  const listen = isMap(base["listen"]) ? base["listen"] : {};
  const port = Number(listen["port"] ?? defaultOptions.listen.port);
  const tls = isMap(listen["tls"]);
  const publicUrl = base["publicUrl"];
  const url = typeof publicUrl === "string" && URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  const host = typeof listen["host"] === "string" ? listen["host"] : (url?.hostname ?? "127.0.0.1");
  const local = isLoopbackHost(bareHost(host));
  const usual: Record<string, number> = tls ? { 443: port } : { 80: port, 443: HTTPS_PORT };
  /* In a cluster a list of ports is all of them: nothing that is not on it may be bound. */
  const bound = given.source === "cluster" ? (ports ?? usual) : { ...usual, ...ports };
  return {
    ...defaultOptions,
    addresses: url === undefined ? [] : addressesOf(url),
    ...given,
    base,
    ports: new Map(Object.entries(bound).map(([from, to]) => [Number(from), to])),
    listen: { port, tls, local },
    platformNamespaces: platformNamespaces ?? usualPlatform,
    controllerName,
    className,
  };
}

/** What callers reach the gateway at. */
function addressesOf(url: URL): TranslateOptions["addresses"] {
  const value = bareHost(url.hostname);
  const isAddress = parseAddress(value) !== undefined;
  return [{ type: isAddress ? "IPAddress" : "Hostname", value }];
}

const bareHost = (host: string): string => host.replace(/^\[|\]$/g, "");
