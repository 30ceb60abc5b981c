import type { KubeObject } from "../parse-object.ts";
import { service } from "../kinds/core.ts";
import type { Workspace } from "../workspace.ts";

/** A backend that can be served, or why not. */
export type ResolvedBackend =
  | { readonly service: string }
  | {
      readonly reason: "BackendNotFound" | "InvalidKind" | "RefNotPermitted" | "UnsupportedProtocol";
      readonly message: string;
    };

/** The Services that routes name, each an entry of `services` once it is asked for. */
export interface Services {
  resolve(namespace: string, name: string, port: number, from: KubeObject<unknown>): ResolvedBackend;
}

export function createServices({ objects, options, pieces }: Workspace): Services {
  const known = new Set<string>();
  return {
    resolve(namespace, name, port, from) {
      const entry = `${namespace}/${name}:${port}`;
      const url = options.backends.get(`${name}.${namespace}`);
      const object = objects.get(service, namespace, name);
      if (url === undefined)
        return { reason: "BackendNotFound", message: `there is no Service ${name} in namespace ${namespace}` };
      if (!known.has(entry)) {
        known.add(entry);
        pieces.of((object ?? from).manifest).set(["services", entry], { url });
      }
      return { service: entry };
    },
  };
}
