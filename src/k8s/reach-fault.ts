import { isLoopbackHost, parseAddress } from "../http/address.ts";
import { createOwnHostCheck, ownHostnames } from "../http/own-hosts.ts";
import { isNetworkAddress } from "../http/reach.ts";
import type { Fault } from "./condition.ts";
import { isGranted, type Referrer } from "./grants.ts";
import { service } from "./kinds/core.ts";
import type { Objects } from "./objects.ts";
import { isPlatform, type TranslateOptions } from "./options.ts";
import { isMap } from "./manifest.ts";

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
  if (!URL.canParse(address)) return { reason: "Invalid", message: `${address} is no address` };
  const host = new URL(address).hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (isLoopbackHost(host)) return fault(`${host} is the gateway's own machine`);
  if (parseAddress(host) !== undefined)
    return isNetworkAddress(host) ? undefined : fault(`${host} is of the gateway's own machine or link`);
  if (isOwnHost(host, options)) return fault(`${host} is the gateway itself`);
  const labels = host.split(".");
  /* By the search domain of the gateway's own pod. */
  const isNear = options.platformNamespaces?.some((each) => objects.get(service, each, labels[1] ?? "") !== undefined);
  if (labels.length === 1 || (labels.length === 2 && isNear === true))
    return fault(
      `${host} means a Service of the gateway's own namespace: one of yours is \`service\`, or its whole name`,
    );
  const other = serviceOf(labels, objects);
  if (other === undefined || isGranted(objects, from, { group: "", kind: "Service", ...other })) return undefined;
  return {
    reason: "RefNotPermitted",
    message: `no ReferenceGrant in namespace ${other.namespace} lets ${from.kind}s of ${from.namespace} refer to Service ${other.name}`,
  };
}

function isOwnHost(host: string, { base, addresses }: TranslateOptions): boolean {
  const listen = isMap(base["listen"]) ? base["listen"] : {};
  const allowed = Array.isArray(listen["allowedHosts"]) ? listen["allowedHosts"].map(String) : [];
  return addresses.some(({ value }) => createOwnHostCheck(ownHostnames(value, allowed), false)(host));
}

/**
 * The Service, or the pod, that a name means within a cluster: NAME.NAMESPACE.svc with whatever stands around it, and where there is such a
 * Service NAME.NAMESPACE too, as the search domains of a pod have it.
 */
function serviceOf(labels: readonly string[], objects: Objects): { name: string; namespace: string } | undefined {
  const at = labels.findLastIndex((label, index) => index >= 2 && (label === "svc" || label === "pod"));
  const [name = "", namespace = ""] = at < 0 ? labels.slice(-2) : labels.slice(at - 2, at);
  return at >= 0 || objects.get(service, namespace, name) !== undefined ? { name, namespace } : undefined;
}
