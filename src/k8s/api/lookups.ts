import { configMap, pod, secret } from "../kinds/core.ts";
import type { Kind } from "../kinds/define-kind.ts";
import type { Objects } from "../objects.ts";
import type { Followed } from "./api-object.ts";

/* There are many of these in a cluster that are nobody's business here: only what was asked for is followed. */
const byName: readonly Kind<unknown>[] = [secret, configMap];
const byNamespace: readonly Kind<unknown>[] = [pod];

/** Whether objects of a kind are followed only where somebody asked for them. */
export const isOnDemand = (kind: Kind<unknown>): boolean => byName.includes(kind) || byNamespace.includes(kind);

/** Objects that note which of the kinds on demand they are asked for, whether there are any or not. */
export interface Lookups {
  readonly objects: Objects;
  wanted(): readonly Followed[];
}

export function recordLookups(objects: Objects): Lookups {
  const wanted = new Map<string, Followed>();
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
        return objects.get(kind, namespace, name);
      },
      list(kind, namespace) {
        if (isOnDemand(kind)) note(kind, namespace);
        return objects.list(kind, namespace);
      },
    },
    wanted: () => [...wanted.values()],
  };
}
