import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { isMap } from "../manifest.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { type ApiObject, type Followed, keyOf, pathOf, readApiObject } from "./api-object.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { listPages, selectorOf } from "./list-pages.ts";
import { type Pace, pause } from "./pace.ts";
import { createSetbacks, type ReflectorState, resourceName } from "./setbacks.ts";

/** One object came, changed or went: `object` is undefined when it went, `former` when it came. */
export interface Change {
  readonly object: ApiObject | undefined;
  readonly former: ApiObject | undefined;
}

export interface ReflectorOptions {
  readonly followed: Followed;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: KubernetesMetrics;
  readonly pace: Pace;
  /** Told what changed, after `objects` says so. It must not throw. */
  changed(changes: readonly Change[]): void;
}

/** A copy of some objects of an API server that keeps up with them. */
export interface Reflector {
  readonly followed: Followed;
  readonly state: ReflectorState;
  readonly objects: ReadonlyMap<string, ApiObject>;
  /** Resolves when the state is known for the first time; never rejects. */
  readonly settled: Promise<void>;
  close(): Promise<void>;
}

/**
 * Lists, then watches from there, for as long as it is not closed: goes on from the last version it saw after whatever breaks a watch
 * off, and lists again only when the server no longer knows that version. Meanwhile what is known stays.
 */
export function createReflector(options: ReflectorOptions): Reflector {
  const { followed, client, clock, log, metrics, pace, changed } = options;
  const { plural, versions } = followed;
  const setbacks = createSetbacks(followed, pace, log);
  const stop = new AbortController();
  const { signal } = stop;
  let objects = new Map<string, ApiObject>();
  let state: ReflectorState = "starting";
  let settle = () => {};
  const settled = new Promise<void>((resolve) => (settle = resolve));

  let apiVersion = versions[0] ?? "v1";
  /** Undefined: a list is due. */
  let seen: string | undefined;

  function enter(next: ReflectorState): void {
    state = next;
    settle();
  }

  async function list(): Promise<void> {
    const { items, resourceVersion } = await findList();
    metrics.listed(plural);
    const next = new Map(items.map((item) => [keyOf(item), item]));
    const changes: Change[] = [];
    for (const [key, object] of next) {
      const former = objects.get(key);
      if (former?.metadata.resourceVersion !== object.metadata.resourceVersion) changes.push({ object, former });
      else next.set(key, former);
    }
    for (const [key, former] of objects) if (!next.has(key)) changes.push({ object: undefined, former });
    objects = next;
    seen = resourceVersion;
    setbacks.listed();
    const name = resourceName(followed);
    if (state === "refused" || state === "absent") log.info({ kind: name }, `${name} can be read now`);
    enter("synced");
    if (changes.length > 0) changed(changes);
  }

  /** The newest version of the kind that the server has. */
  async function findList() {
    for (const version of versions) {
      try {
        const listed = await listPages(client, followed, version, signal);
        apiVersion = version;
        return listed;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404 || version === versions.at(-1)) throw error;
      }
    }
    throw new ApiError(404);
  }

  async function watch(): Promise<void> {
    const began = clock.monotonic();
    const [least, most] = pace.watchMs;
    const watchMs = least + Math.random() * (most - least);
    const query = new URLSearchParams({
      ...selectorOf(followed),
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: seen ?? "",
      timeoutSeconds: String(Math.max(1, Math.round(watchMs / 1_000))),
    });
    let events = 0;
    for await (const event of client.watch(
      `${pathOf(followed, apiVersion)}?${query}`,
      watchMs + pace.silenceMs,
      signal,
    )) {
      take(event);
      events += 1;
      setbacks.heard();
    }
    signal.throwIfAborted();
    metrics.watchEnded(plural, "closed");
    const waitMs = setbacks.ended(events === 0 && clock.monotonic() - began < pace.shortWatchMs);
    if (waitMs > 0) await pause(waitMs, signal);
  }

  function take(event: unknown): void {
    const { type, object: value } = isMap(event) ? event : {};
    if (type === "ERROR") throw toApiError(500, value);
    if (type === "BOOKMARK") {
      const metadata = isMap(value) ? value["metadata"] : undefined;
      if (isMap(metadata) && typeof metadata["resourceVersion"] === "string") seen = metadata["resourceVersion"];
      return;
    }
    if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED")
      throw new ApiError(200, { reason: "Malformed", message: "it sent an event of no known type" });
    const object = readApiObject(value, followed, apiVersion);
    const key = keyOf(object);
    const former = objects.get(key);
    seen = object.metadata.resourceVersion;
    if (type === "DELETED") {
      objects.delete(key);
      if (former !== undefined) changed([{ object: undefined, former }]);
    } else if (former?.metadata.resourceVersion !== object.metadata.resourceVersion) {
      objects.set(key, object);
      changed([{ object, former }]);
    }
  }

  async function recover(error: unknown): Promise<void> {
    const isExpired = error instanceof ApiError && error.isExpired;
    if (seen !== undefined) metrics.watchEnded(plural, isExpired ? "expired" : "failed");
    const { waitMs, relist, becomes } = setbacks.judge(error, state, seen === undefined ? "list" : "watch");
    if (relist) seen = undefined;
    if (becomes === "refused" && state === "starting") enter("refused");
    if (becomes === "absent" && state !== "absent") forget();
    if (waitMs > 0) await pause(waitMs, signal);
  }

  /** The kind is gone, and all of its objects with it. */
  function forget(): void {
    const changes = [...objects.values()].map((former) => ({ object: undefined, former }));
    objects = new Map();
    enter("absent");
    if (changes.length > 0) changed(changes);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (seen === undefined) await list();
        await watch();
      } catch (error) {
        if (signal.aborted) return;
        await recover(error);
      }
    }
  }
  const running = run();

  return {
    followed,
    get state() {
      return state;
    },
    get objects() {
      return objects;
    },
    settled,
    async close() {
      stop.abort(new Error("closed"));
      settle();
      await running;
    },
  };
}
