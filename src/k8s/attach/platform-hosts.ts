import { ownHostnames } from "../../http/own-hosts.ts";
import type { Fault } from "../condition.ts";
import { isMap } from "../manifest.ts";
import { isPlatform, type TranslateOptions } from "../options.ts";
import { createHostOwners } from "./host-owners.ts";

/** Says why an object of a namespace cannot have a host; undefined: nothing is against it. */
export type PlatformHosts = (namespace: string, hostname: string) => Fault | undefined;

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
  for (const host of [...own, "localhost", "*.localhost"]) owners.give(host, "the gateway itself");
  for (const { hosts } of valuesOf(routes))
    for (const host of texts(hosts)) owners.give(host, "the configuration", "loose");
  for (const { hostname } of valuesOf(listeners))
    if (typeof hostname === "string") owners.give(hostname, "the configuration");

  return (namespace, hostname) => {
    if (isPlatform(options, namespace)) return undefined;
    const by = owners.of(hostname);
    const [inside] = owners.within(hostname);
    if (by === undefined && inside === undefined) return undefined;
    const what = by === undefined ? `${inside?.host} inside of ${hostname}` : hostname;
    return {
      reason: "HostnameConflict",
      message: `${what} is a host of ${by ?? inside?.owner}: the namespaces under \`kubernetes.platformNamespaces\` alone may name it`,
    };
  };
}
