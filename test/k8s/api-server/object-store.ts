import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ApiFailure, conflict, invalid, notFound } from "./api-failure.ts";
import { checkStatus } from "./check-status.ts";
import type { Resource } from "./resources.ts";

export type Json = Record<string, unknown>;

export interface Stored extends Json {
  apiVersion: string;
  kind: string;
  metadata: Json & { name: string; namespace?: string; resourceVersion: string; generation?: number; uid: string };
}

export interface StoredEvent {
  readonly version: number;
  readonly resource: Resource;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Stored;
}

/** What lies in etcd: objects, one counter of versions for all of them, and the events since the last compaction. */
export interface ObjectStore {
  readonly version: number;
  /** The oldest version a watch may start from. */
  readonly oldest: number;
  readonly events: readonly StoredEvent[];
  list(resource: Resource, namespace?: string): readonly Stored[];
  get(resource: Resource, namespace: string | undefined, name: string): Stored;
  create(resource: Resource, object: Json): Stored;
  /** Replaces everything but `status`, or nothing but `status`. */
  update(resource: Resource, object: Json, part: "main" | "status"): Stored;
  remove(resource: Resource, namespace: string | undefined, name: string): Stored;
  /** Forgets all but the newest `keep` events. */
  compact(keep: number): void;
  onEvent(listener: (event: StoredEvent) => void): () => void;
}

export function createObjectStore(historyLimit = 10_000, firstVersion = 1_000): ObjectStore {
  const objects = new Map<Resource, Map<string, Stored>>();
  const listeners = new Set<(event: StoredEvent) => void>();
  let events: StoredEvent[] = [];
  let version = firstVersion;
  let oldest = firstVersion;

  const of = (resource: Resource) => {
    const known = objects.get(resource) ?? new Map<string, Stored>();
    objects.set(resource, known);
    return known;
  };
  const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ""}/${name}`;

  function emit(type: StoredEvent["type"], resource: Resource, object: Stored): void {
    const event = { version, type, resource, object };
    events.push(event);
    if (events.length > historyLimit) compact(historyLimit >> 1);
    for (const listener of listeners) listener(event);
  }

  function compact(keep: number): void {
    events = keep === 0 ? [] : events.slice(-keep);
    oldest = events[0] === undefined ? version : events[0].version - 1;
  }

  function readKey(resource: Resource, object: Json): { namespace: string | undefined; name: string } {
    const { name, namespace } = (object["metadata"] ?? {}) as Json;
    if (typeof name !== "string" || name === "") throw invalid(resource.kind, "metadata.name: Required value");
    if (resource.namespaced !== (typeof namespace === "string"))
      throw invalid(`${resource.kind} "${name}"`, "metadata.namespace: does not fit the kind's scope");
    return { name, namespace: typeof namespace === "string" ? namespace : undefined };
  }

  return {
    get version() {
      return version;
    },
    get oldest() {
      return oldest;
    },
    get events() {
      return events;
    },
    list: (resource, namespace) =>
      [...of(resource)]
        .filter(([, { metadata }]) => namespace === undefined || metadata.namespace === namespace)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => object),
    get(resource, namespace, name) {
      const found = of(resource).get(keyOf(namespace, name));
      if (found === undefined) throw notFound(resource.plural, name);
      return found;
    },
    create(resource, given) {
      const object = structuredClone(given);
      const { namespace, name } = readKey(resource, object);
      const key = keyOf(namespace, name);
      if (of(resource).has(key))
        throw new ApiFailure(409, "AlreadyExists", `${resource.plural} "${name}" already exists`);
      const { resourceVersion, ...metadata } = object["metadata"] as Json;
      if (resourceVersion !== undefined && resourceVersion !== "")
        throw new ApiFailure(400, "BadRequest", "resourceVersion should not be set on objects to be created");
      if (resource.status && !resource.builtIn) delete object["status"];
      const stored = {
        ...object,
        apiVersion: [resource.group, resource.versions[0]].filter((part) => part !== "").join("/"),
        kind: resource.kind,
        metadata: {
          ...metadata,
          name,
          uid: randomUUID(),
          creationTimestamp: new Date().toISOString().replace(/\.\d+Z/, "Z"),
          resourceVersion: String(++version),
          ...((resource.status || resource.plural === "endpointslices" || !resource.builtIn) && { generation: 1 }),
        },
      } as Stored;
      of(resource).set(key, stored);
      emit("ADDED", resource, stored);
      return stored;
    },
    update(resource, given, part) {
      const { namespace, name } = readKey(resource, given);
      const key = keyOf(namespace, name);
      const former = of(resource).get(key);
      if (former === undefined) throw notFound(resource.plural, name);
      const asked = given["metadata"] as Json;
      const what = `${resource.kind}.${resource.group} "${name}"`;
      if (typeof asked["resourceVersion"] !== "string" || asked["resourceVersion"] === "")
        throw invalid(what, "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update");
      if (asked["uid"] !== undefined && asked["uid"] !== former.metadata.uid)
        throw new ApiFailure(
          409,
          "Conflict",
          `Precondition failed: UID in precondition: ${JSON.stringify(asked["uid"])}`,
        );
      if (asked["resourceVersion"] !== former.metadata.resourceVersion) throw conflict(resource.plural, name);
      if (part === "status" && !resource.builtIn) checkStatus(what, given["status"]);
      const { status: formerStatus, ...formerRest } = former;
      const { status: givenStatus, ...givenRest } = structuredClone(given);
      const { uid, creationTimestamp, resourceVersion, generation } = former.metadata;
      const kept = { uid, creationTimestamp, resourceVersion, ...(generation !== undefined && { generation }) };
      const separate = resource.status;
      const next =
        part === "status"
          ? { ...formerRest, ...(givenStatus !== undefined && { status: givenStatus }) }
          : {
              ...givenRest,
              apiVersion: former.apiVersion,
              kind: former.kind,
              metadata: { ...asked, name, ...kept },
              ...(separate
                ? formerStatus !== undefined && { status: formerStatus }
                : givenStatus !== undefined && { status: givenStatus }),
            };
      const stored = next as Stored;
      /* What changes nothing is not written. */
      if (isDeepStrictEqual(stored, former)) return former;
      const { metadata: _, status: __, ...specBefore } = former;
      const { metadata: ___, status: ____, ...specAfter } = stored;
      const risen = generation !== undefined && part === "main" && !isDeepStrictEqual(specBefore, specAfter);
      stored.metadata = {
        ...stored.metadata,
        resourceVersion: String(++version),
        ...(generation !== undefined && { generation: risen ? generation + 1 : generation }),
      };
      of(resource).set(key, stored);
      emit("MODIFIED", resource, stored);
      return stored;
    },
    remove(resource, namespace, name) {
      const key = keyOf(namespace, name);
      const former = of(resource).get(key);
      if (former === undefined) throw notFound(resource.plural, name);
      of(resource).delete(key);
      const last = { ...former, metadata: { ...former.metadata, resourceVersion: String(++version) } };
      emit("DELETED", resource, last);
      return last;
    },
    compact,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
