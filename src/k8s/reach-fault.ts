import { isLoopbackHost, parseAddress } from "../http/address.ts";
import { createOwnHostCheck, ownHostnames } from "../http/own-hosts.ts";
import { isNetworkAddress } from "../http/reach.ts";
import type { Fault } from "./condition.ts";
import { isGranted, type Referrer } from "./grants.ts";
import { holdersAt, hostOf } from "./holders-at.ts";
import { service } from "./kinds/core.ts";
import { isMap } from "./manifest.ts";
import type { Objects } from "./objects.ts";
import { isPlatform, type TranslateOptions } from "./options.ts";

interface Known {
  readonly objects: Objects;
  readonly options: TranslateOptions;
}

/**
 * Why an object may not have the gateway call an address; undefined where it may. Namespaces of the platform may name any. What a name
 * resolves to is seen when it is connected to (`reach: network`).
 */
export function reachFault(address: string, from: Referrer, { objects, options }: Known): Fault | undefined {
  if (isPlatform(options, from.namespace)) return undefined;
  const fault = (message: string): Fault => ({
    reason: "Invalid",
    message: `${message}; namespaces under kubernetes.platformNamespaces alone may name it`,
  });
  const host = hostOf(address);
  if (host === undefined) return { reason: "Invalid", message: `${address} is no address` };
  if (isLoopbackHost(host)) return fault(`${host} is the gateway's own machine`);
  if (isOwnHost(host, options)) return fault(`${host} is the gateway itself`);
  const isNumber = parseAddress(host) !== undefined;
  if (isNumber && !isNetworkAddress(host)) return fault(`${host} is of the gateway's own machine or link`);
  const labels = host.split(".");
  /* By the search domain of the gateway's own pod. */
  const isNear = options.platformNamespaces?.some((each) => objects.get(service, each, labels[1] ?? "") !== undefined);
  if (!isNumber && (labels.length === 1 || (labels.length === 2 && isNear === true)))
    return fault(
      `${host} means a Service of the gateway's own namespace: one of yours is \`service\`, or its whole name`,
    );
  const holders = holdersAt(host, { objects, options });
  const other = holders.find(
    ({ namespace, name }) => !isGranted(objects, from, { group: "", kind: "Service", namespace, name }),
  );
  if (other !== undefined)
    return {
      reason: "RefNotPermitted",
      /* Whose a number is is nobody's business. */
      message: isNumber
        ? `${host} is of a Service or a pod of another namespace: name the Service, and have a ReferenceGrant there`
        : `no ReferenceGrant in namespace ${other.namespace} lets ${from.kind}s of ${from.namespace} refer to Service ${other.name}`,
    };
  const alias = holders.find(
    ({ namespace, name }) => objects.get(service, namespace, name)?.spec.type === "ExternalName",
  );
  /* It may point anywhere (CVE-2021-25740). */
  return alias && { reason: "Invalid", message: `Service ${alias.name} is of type ExternalName: it is not followed` };
}

/** Whether it is of `publicUrl` or `listen.allowedHosts`. */
function isOwnHost(host: string, { base, addresses }: TranslateOptions): boolean {
  const listen = isMap(base["listen"]) ? base["listen"] : {};
  const allowed = Array.isArray(listen["allowedHosts"]) ? listen["allowedHosts"].map(String) : [];
  const hosts = ownHostnames("", [...addresses.map(({ value }) => value), ...allowed]);
  return createOwnHostCheck(hosts, false)(host.includes(":") ? `[${host}]` : host);
}
