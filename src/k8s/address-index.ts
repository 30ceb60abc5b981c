import { parseAddress } from "../http/address.ts";
import { endpointSlice, pod, service } from "./kinds/core.ts";
import type { Kind } from "./kinds/define-kind.ts";
import { isMap, type JsonMap } from "./manifest.ts";
import type { KubeObject } from "./parse-object.ts";

/** What an address belongs to: a Service, or a pod, by the Service it is behind where that is known. */
export interface Holder {
  readonly kind: "Service" | "Pod";
  readonly namespace: string;
  readonly name: string;
  /** Ports are those of a pod. */
  readonly direct: boolean;
}

/** One text for every way to write an address; undefined for what is none. */
export function addressKey(text: string): string | undefined {
  const address = parseAddress(text);
  return address && `${address.family} ${address.value}`;
}

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

/** The addresses that a Service or an EndpointSlice has, as `addressKey` has them. */
export function addressKeysIn({ kind, spec, endpoints }: JsonMap): readonly string[] {
  const texts =
    kind === service.kind && isMap(spec)
      ? [...textsOf([spec["clusterIP"]]), ...textsOf(spec["clusterIPs"])]
      : kind === endpointSlice.kind && Array.isArray(endpoints)
        ? endpoints.filter(isMap).flatMap(({ addresses }) => textsOf(addresses))
        : [];
  return texts.flatMap((text) => addressKey(text) ?? []);
}

/* Others are written by hand, of whatever address: who writes one would take that address from everybody else. */
const BY = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER = "endpointslice-controller.k8s.io";

/** Whose the addresses of these objects are, by `addressKey`. */
export function indexAddresses(
  list: <S>(kind: Kind<S>) => readonly KubeObject<S>[],
): ReadonlyMap<string, readonly Holder[]> {
  const index = new Map<string, Holder[]>();
  const put = (key: string, holder: Holder) => {
    const known = index.get(key);
    if (known === undefined) index.set(key, [holder]);
    else known.push(holder);
  };
  for (const { namespace, name, manifest } of list(service))
    for (const key of addressKeysIn(manifest.value)) put(key, { kind: "Service", namespace, name, direct: false });
  for (const { namespace, metadata, manifest } of list(endpointSlice)) {
    const name = metadata.labels["kubernetes.io/service-name"];
    if (name === undefined || metadata.labels[BY] !== CONTROLLER) continue;
    for (const key of addressKeysIn(manifest.value)) put(key, { kind: "Service", namespace, name, direct: true });
  }
  for (const { namespace, name, spec } of list(pod)) {
    const key = addressKey(spec.status.podIP ?? "");
    if (key !== undefined) put(key, { kind: "Pod", namespace, name, direct: true });
  }
  return index;
}
