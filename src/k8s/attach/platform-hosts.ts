import { ownHostnames } from "../../http/own-hosts.ts";
import type { Fault } from "../condition.ts";
import { isMap } from "../manifest.ts";
import { isPlatform, type TranslateOptions } from "../options.ts";
import { createHostOwners } from "./host-owners.ts";

/** Says why an object of a namespace cannot have a host; undefined: nothing is against it. `port`: the one that a listener binds. */
export type PlatformHosts = (namespace: string, hostname: string, port?: number) => Fault | undefined;

/**
 * The hosts that the configuration names, on whichever port, are for the platform's namespaces alone: those of the gateway itself, of routes
 * and of listeners. Whoever has one of them is sent prompts, credentials and codes that are meant for the gateway.
 */
export function createPlatformHosts(options: TranslateOptions): PlatformHosts {
  const { publicUrl, listen, routes, listeners } = options.base;
  const known = typeof publicUrl === "string" && URL.canParse(publicUrl) ? new URL(publicUrl).hostname : "127.0.0.1";
  const owners = createHostOwners<string>();
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  const valuesOf = (value: unknown) => (isMap(value) ? Object.values(value).filter(isMap) : []);
  const own = ownHostnames(known, isMap(listen) ? texts(listen["allowedHosts"]) : []);
  for (const host of [...own, "localhost"]) owners.give(host, "the gateway itself");
  /* On the port of `listen` a wildcard leaves these to the gateway; on others it would take them. */
  const elsewhere = createHostOwners<string>();
  for (const host of own) elsewhere.give(host, "the gateway itself", "loose");
  for (const { hosts } of valuesOf(routes))
    for (const host of texts(hosts)) owners.give(host, "the configuration", "loose");
  for (const { hostname } of valuesOf(listeners))
    if (typeof hostname === "string") owners.give(hostname, "the configuration");

  return (namespace, hostname, port = options.listen.port) => {
    if (isPlatform(options, namespace)) return undefined;
    const by = owners.of(hostname);
    const [inside] = [...(port === options.listen.port ? [] : elsewhere.within(hostname)), ...owners.within(hostname)];
    if (by === undefined && inside === undefined) return undefined;
    const what = by === undefined ? `${inside?.host} inside of ${hostname}` : hostname;
    return {
      reason: "HostnameConflict",
      message: `${what} is a host of ${by ?? inside?.owner}: the namespaces under \`kubernetes.platformNamespaces\` alone may name it`,
    };
  };
}
