import { GATEWAY_GROUP, type OutputObject } from "./gateway-api.ts";

interface Reference {
  readonly fromKind: "Gateway" | "HTTPRoute";
  readonly fromNamespace: string;
  readonly toKind: "Secret" | "Service";
  readonly toNamespace: string;
  readonly name: string;
}

const MOST = 16;

/** A ReferenceGrant for every reference that leads from one namespace into another: in the namespace it leads to, one for each that it comes from. */
export function grantsFor(
  objects: readonly OutputObject[],
  claim: (namespace: string, name: string) => string,
): OutputObject[] {
  const references = objects.flatMap(referencesOf);
  const groups = Map.groupBy(references, ({ fromKind, fromNamespace, toKind, toNamespace }) =>
    JSON.stringify([toNamespace, fromNamespace, fromKind, toKind]),
  );
  return [...groups].flatMap(([, all]) => {
    const [first] = all;
    if (first === undefined) return [];
    const { fromKind, fromNamespace, toKind, toNamespace } = first;
    const names = [...new Set(all.map(({ name }) => name))].toSorted();
    return Array.from({ length: Math.ceil(names.length / MOST) }, (_, at) => ({
      apiVersion: `${GATEWAY_GROUP}/v1`,
      kind: "ReferenceGrant",
      metadata: { name: claim(toNamespace, `${fromKind.toLowerCase()}s-of-${fromNamespace}`), namespace: toNamespace },
      spec: {
        from: [{ group: GATEWAY_GROUP, kind: fromKind, namespace: fromNamespace }],
        to: names.slice(at * MOST, (at + 1) * MOST).map((name) => ({ group: "", kind: toKind, name })),
      },
    }));
  });
}

/* The objects are our own: every reference with a namespace stands under one of these two names. */
function referencesOf({ kind, metadata, spec }: OutputObject): Reference[] {
  if (kind !== "Gateway" && kind !== "HTTPRoute") return [];
  const toKind = kind === "Gateway" ? "Secret" : "Service";
  const found: Reference[] = [];
  const look = (value: unknown, key: string): void => {
    if (Array.isArray(value)) for (const item of value) look(item, key);
    else if (typeof value === "object" && value !== null) {
      const { name, namespace, kind: other } = value as { name?: unknown; namespace?: unknown; kind?: unknown };
      const refers = key === "backendRefs" || key === "backendRef" || key === "certificateRefs";
      if (
        refers &&
        typeof name === "string" &&
        typeof namespace === "string" &&
        namespace !== metadata.namespace &&
        other === undefined
      )
        found.push({ fromKind: kind, fromNamespace: metadata.namespace, toKind, toNamespace: namespace, name });
      for (const [inner, part] of Object.entries(value)) look(part, inner);
    }
  };
  look(spec, "");
  return found;
}
