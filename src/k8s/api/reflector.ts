import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { type ApiClient, SilentWatch } from "./api-client.ts";
import { ApiError, reasonOf } from "./api-error.ts";
import { type ApiObject, type Followed, keyOf, pathOf } from "./api-object.ts";
import { checkNotServed } from "./discovery.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { listNewest, selectorOf } from "./list-pages.ts";
import { between, type Pace, pause } from "./pace.ts";
import { readWatchEvent } from "./watch-event.ts";
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
  /** Told when `state` is another one, after `objects` says so. */
  moved?(): void;
  /** The server has said something of this, which may be that there is nothing new. Told each second at most. */
  heard?(): void;
}

/** A copy of some objects of an API server that keeps up with them. */
export interface Reflector {
  readonly followed: Followed;
  readonly state: ReflectorState;
  /** Why it was not read; undefined: it was, or it has not been tried. */
  readonly reason: string | undefined;
  /** Wall-clock time, in milliseconds, of what the server said last; undefined: nothing yet. */
  readonly heardAt: number | undefined;
  readonly objects: ReadonlyMap<string, ApiObject>;
  /** Resolves when the state is known for the first time; never rejects. */
  readonly settled: Promise<void>;
  close(): Promise<void>;
}

const TOLD_EACH_MS = 1_000;

/**
 * Lists, then watches from there, for as long as it is not closed: goes on from the last version it saw after whatever breaks a watch
 * off, and lists again only when the server no longer knows that version. Meanwhile what is known stays.
 */
export function createReflector(options: ReflectorOptions): Reflector {
  const { followed, client, clock, log, metrics, pace, changed } = options;
  const { plural, versions } = followed;
  const setbacks = createSetbacks({ followed, client, clock, log, pace });
  const stop = new AbortController();
  const { signal } = stop;
  let objects = new Map<string, ApiObject>();
  let state: ReflectorState = "starting";
  let reason: string | undefined;
  let heardAt: number | undefined;
  let settle = () => {};
  const settled = new Promise<void>((resolve) => (settle = resolve));

  let apiVersion = versions[0] ?? "v1";
  /** Undefined: a list is due. */
  let seen: string | undefined;

  function enter(next: ReflectorState): void {
    const former = state;
    state = next;
    settle();
    if (former !== next) options.moved?.();
  }

  function heard(): void {
    const now = clock.now();
    if (heardAt !== undefined && now >= heardAt && now - heardAt < TOLD_EACH_MS) return;
    heardAt = now;
    options.heard?.();
  }

  async function list(): Promise<void> {
    const { items, resourceVersion, version } = await listNewest(client, followed, signal).catch(
      async (error: unknown) => {
        if (error instanceof ApiError && error.status === 404) await checkNotServed(client, followed, signal);
        throw error;
      },
    );
    apiVersion = version;
    metrics.listed(plural);
    const { next, changes } = compare(objects, items);
    objects = next;
    seen = resourceVersion;
    setbacks.listed();
    heard();
    reason = undefined;
    const name = resourceName(followed);
    if (state !== "synced" && state !== "starting") log.info({ kind: name }, `${name} can be read now`);
    enter("synced");
    if (changes.length > 0) changed(changes);
  }

  async function watch(): Promise<void> {
    const began = clock.monotonic();
    const watchMs = between(pace.watchMs);
    const query = new URLSearchParams({
      ...selectorOf(followed),
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: seen ?? "",
      timeoutSeconds: String(Math.max(1, Math.round(watchMs / 1_000))),
    });
    let events = 0;
    let end: "closed" | "silent" = "closed";
    const watchOptions = { idleTimeoutMs: between(pace.silenceMs), opened: heard };
    try {
      for await (const event of client.watch(`${pathOf(followed, apiVersion)}?${query}`, watchOptions, signal)) {
        take(event);
        events += 1;
        setbacks.heard();
        heard();
      }
    } catch (error) {
      /* No failure: a server may have nothing to say. Only whoever asks again learns which it is, and need not wait for that. */
      if (!(error instanceof SilentWatch)) throw error;
      end = "silent";
    }
    signal.throwIfAborted();
    metrics.watchEnded(plural, end);
    const waitMs = setbacks.ended(events === 0 && clock.monotonic() - began < pace.shortWatchMs);
    if (waitMs > 0) await pause(waitMs, signal);
  }

  function take(event: unknown): void {
    const { type, object, version } = readWatchEvent(event, followed, apiVersion);
    seen = version ?? seen;
    if (object === undefined) return;
    const key = keyOf(object);
    const former = objects.get(key);
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
    if (state !== "synced" && state !== "absent") reason = reasonOf(error);
    /* Until now there was nothing of it, now nobody knows. */
    if (becomes === "unknown" && state === "absent") reason = reasonOf(error);
    if (becomes === "unknown" || (becomes === "refused" && (state === "starting" || state === "unknown")))
      enter(becomes);
    /* A balancer that has lost its servers may know no path at all: that takes nothing away. */
    if (becomes === "absent" && state !== "absent" && (await client.isApiServer(signal))) forget();
    if (waitMs > 0) await pause(waitMs, signal);
  }

  /** The kind is gone, and all of its objects with it. */
  function forget(): void {
    const changes = [...objects.values()].map((former) => ({ object: undefined, former }));
    objects = new Map();
    reason = heardAt = undefined;
    const name = resourceName(followed);
    log.info({ kind: name }, `the API server has no ${name}; they are looked for now and then`);
    options.heard?.();
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
    get reason() {
      return reason;
    },
    get heardAt() {
      return heardAt;
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

/* What is there already stays the same object. */
function compare(objects: ReadonlyMap<string, ApiObject>, items: readonly ApiObject[]) {
  const next = new Map(items.map((item) => [keyOf(item), item]));
  const changes: Change[] = [];
  for (const [key, object] of next) {
    const former = objects.get(key);
    if (former?.metadata.resourceVersion !== object.metadata.resourceVersion) changes.push({ object, former });
    else next.set(key, former);
  }
  for (const [key, former] of objects) if (!next.has(key)) changes.push({ object: undefined, former });
  return { next, changes };
}
