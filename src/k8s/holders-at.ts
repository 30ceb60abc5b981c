import { type Holder } from "./address-index.ts";
import { service } from "./kinds/core.ts";
import type { Objects } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";

/** The host of an address as names are compared: without brackets and without the dot of a name's root; undefined: it is no address. */
export const hostOf = (address: string): string | undefined =>
  URL.canParse(address) ? new URL(address).hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "") : undefined;

/**
 * The Services and pods that a host means within a cluster, as far as that is known: by number, or by NAME.NAMESPACE.svc with whatever
 * stands around it, and where there is such a Service by NAME.NAMESPACE, or near the gateway NAME, too, as the search domains of a pod have
 * it. What other names of DNS lead to is not known.
 */
export function holdersAt(
  host: string,
  { objects, options }: { readonly objects: Objects; readonly options: TranslateOptions },
): readonly Holder[] {
  const numbered = objects.holders(host);
  if (numbered.length > 0) return numbered;
  const labels = host.split(".");
  const named = (namespace = "", name = ""): Holder => {
    const direct = objects.get(service, namespace, name)?.spec.clusterIP === "None";
    return { kind: "Service", namespace, name, direct };
  };
  const at = labels.findLastIndex((label, index) => index >= 2 && (label === "svc" || label === "pod"));
  if (at >= 0) {
    const [name = "", namespace] = labels.slice(at - 2, at);
    const pods = labels[at] === "pod" ? [".", ":"].flatMap((by) => objects.holders(name.replaceAll("-", by))) : [];
    return [named(namespace, name), ...pods];
  }
  const near = (options.platformNamespaces ?? []).map((each) => [each, labels.at(-1)] as const);
  const found = [...(labels.length <= 2 ? near : []), [labels.at(-1) ?? "", labels.at(-2)] as const];
  return found.flatMap(([namespace, name = ""]) =>
    objects.get(service, namespace, name) === undefined ? [] : [named(namespace, name)],
  );
}
