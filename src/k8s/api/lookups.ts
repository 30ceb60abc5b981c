import { addressKey } from "../address-index.ts";
import { configMap, endpointSlice, pod, secret, service } from "../kinds/core.ts";
import type { Kind } from "../kinds/define-kind.ts";
import type { Objects } from "../objects.ts";
import type { Followed } from "./api-object.ts";

/* There are many of these in a cluster that are nobody's business here: only what was asked for is followed. */
const byName: readonly Kind<unknown>[] = [secret, configMap];
const byNamespace: readonly Kind<unknown>[] = [pod];

/** Whether objects of a kind are followed only where somebody asked for them. */
export const isOnDemand = (kind: Kind<unknown>): boolean => byName.includes(kind) || byNamespace.includes(kind);

const isKind = (kind: Kind<unknown>, other: Kind<unknown>) => kind === other;

/** Objects that note which of the kinds on demand they are asked for, whether there are any or not. */
export interface Lookups {
  readonly objects: Objects;
  wanted(): readonly Followed[];
  /** NAMESPACE/NAME of the Services that were asked for, and the addresses (`addressKey`); undefined: any of them may count. */
  services(): ReadonlySet<string> | undefined;
}

/** `unread` says why an object that is asked for is not read. */
export function recordLookups(
  objects: Objects,
  unread: (asked: Pick<Followed, "plural" | "namespace" | "name">) => string | undefined,
): Lookups {
  const wanted = new Map<string, Followed>();
  const services = new Set<string>();
  let allServices = false;
  const note = (kind: Kind<unknown>, namespace: string | undefined, name?: string) => {
    const { group, plural, versions } = kind;
    wanted.set(`${plural} ${namespace ?? ""} ${name ?? ""}`, {
      group,
      kind: kind.kind,
      plural,
      versions,
      namespace,
      name,
    });
  };
  return {
    objects: {
      ...objects,
      get(kind, namespace, name) {
        if (byName.includes(kind)) note(kind, namespace, name);
        else if (byNamespace.includes(kind)) note(kind, namespace);
        else if (isKind(kind, service)) services.add(`${namespace}/${name}`);
        else if (isKind(kind, endpointSlice)) allServices = true;
        return objects.get(kind, namespace, name);
      },
      list(kind, namespace) {
        if (isOnDemand(kind)) note(kind, namespace);
        else if (isKind(kind, service)) allServices = true;
        return objects.list(kind, namespace);
      },
      unread: ({ plural }, namespace, name) => unread({ plural, namespace, name }),
      holders(address) {
        const key = addressKey(address);
        if (key !== undefined) services.add(key);
        return objects.holders(address);
      },
    },
    wanted: () => [...wanted.values()],
    services: () => (allServices ? undefined : services),
  };
}
