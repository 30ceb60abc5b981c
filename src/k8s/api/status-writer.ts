import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { isMap, type JsonMap } from "../manifest.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import { type ApiObject, type Followed, pathOf, readApiObject } from "./api-object.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { createContests } from "./contests.ts";
import { mergeStatus } from "./merge-status.ts";
import { backOffMs, type Pace, pause } from "./pace.ts";
import { createStatusRefusals } from "./status-refusals.ts";

/** What the status of one object has to be, as far as it is ours to say. */
export interface WantedStatus {
  readonly followed: Followed;
  readonly status: JsonMap;
  /** Of the object it was made for: a later one gets another status. */
  readonly generation: number | undefined;
  /** The object as it is known now; undefined: it is gone. */
  current(): ApiObject | undefined;
}

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: KubernetesMetrics;
  readonly pace: Pace;
  /** Entries of a status with this name are ours. */
  readonly controllerName: () => string;
}

/** Writes statuses for as long as it is this replica's turn. */
export interface StatusWriter {
  /** What every status has to be from now on, by a key of the object. */
  plan(wanted: ReadonlyMap<string, WantedStatus>): void;
  /** An object's status was changed, by this writer or by somebody else: it is looked at again. */
  recheck(key: string): void;
  /** Whether this replica is the one that writes. */
  setActive(active: boolean): void;
  /** Resolves when nothing is to be written, or it is not this replica's turn. */
  idle(): Promise<void>;
  /** Lets go of what has not begun. */
  close(): Promise<void>;
}

const WRITERS = 4;
const TRIES = 5;

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { client, clock, log, metrics, pace, controllerName } = options;
  const stop = new AbortController();
  const { signal } = stop;
  let planned: ReadonlyMap<string, WantedStatus> = new Map();
  /* Never more than there are objects. */
  const queue = new Set<string>();
  const underWay = new Set<string>();
  let active = false;
  let writers = 0;
  let nextAt = 0;
  let waiting: (() => void)[] = [];

  const refusals = createStatusRefusals({ clock, log, pace, again: lookAtAll });
  const contests = createContests({ clock, log, pace, controllerName, again: lookAtAll });

  const differs = ({ status, current, generation }: WantedStatus): boolean => {
    const object = current();
    return (
      object !== undefined &&
      isStill(object, generation) &&
      mergeStatus(object["status"], status, { controllerName: controllerName(), now: clock.now() }) !== undefined
    );
  };

  function look(key: string): void {
    const wanted = planned.get(key);
    const isOut =
      wanted === undefined ||
      refusals.isRejected(key, wanted.status) ||
      contests.isLeft(key, [wanted.current()?.metadata.uid, wanted.status]);
    if (!isOut && differs(wanted)) queue.add(key);
    else queue.delete(key);
  }

  function lookAtAll(): void {
    for (const key of planned.keys()) look(key);
    start();
  }

  /* One that is being written and came up again is taken by whoever is at it. */
  function nextKey(): string | undefined {
    for (const key of queue) if (!underWay.has(key)) return key;
    return undefined;
  }

  function start(): void {
    while (active && !signal.aborted && writers < WRITERS && nextKey() !== undefined) {
      writers += 1;
      void work().finally(() => {
        writers -= 1;
        start();
        if (writers > 0) return;
        for (const done of waiting) done();
        waiting = [];
      });
    }
  }

  async function work(): Promise<void> {
    for (;;) {
      const key = nextKey();
      if (key === undefined || !active || signal.aborted) return;
      queue.delete(key);
      underWay.add(key);
      try {
        const now = clock.monotonic();
        nextAt = Math.max(now, nextAt + pace.writeGapMs);
        if (nextAt > now) await pause(nextAt - now, signal);
        await write(key);
      } finally {
        underWay.delete(key);
      }
    }
  }

  async function write(key: string): Promise<void> {
    let fresh: ApiObject | undefined;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const wanted = planned.get(key);
      if (wanted === undefined || !active || signal.aborted) return;
      const { followed, status, generation } = wanted;
      if (refusals.isForbidden(followed.plural)) return;
      const object = fresh ?? wanted.current();
      if (object === undefined || !isStill(object, generation)) return;
      const next = mergeStatus(object["status"], status, { controllerName: controllerName(), now: clock.now() });
      if (next === undefined) return;
      const path = pathTo(object, followed);
      try {
        const kept = await client.send(`${path}/status`, { method: "PUT", body: { ...object, status: next } }, signal);
        metrics.statusWritten(followed.plural, "written");
        refusals.written(followed.plural);
        /* A schema that leaves something out is no other gateway. */
        const merging = { controllerName: controllerName(), now: clock.now() };
        if (isMap(kept) && mergeStatus(kept["status"], status, merging) === undefined)
          contests.written(key, [object.metadata.uid, status]);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const said = error instanceof ApiError ? error.status : undefined;
        if (said === 409) {
          metrics.statusWritten(followed.plural, "conflict");
          fresh = await reread(path, followed, object).catch(() => undefined);
          if (fresh === undefined) await pause(backOffMs(pace, attempt), signal);
          continue;
        }
        if (said === 404) return metrics.statusWritten(followed.plural, "gone");
        metrics.statusWritten(followed.plural, "failed");
        if (said === 403) return refusals.forbid(followed.plural, error);
        if (said !== undefined && said < 500 && said !== 429 && said !== 401) {
          return refusals.reject(key, status, error);
        }
        const retryAfterMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
        await pause(Math.max(backOffMs(pace, attempt), retryAfterMs), signal);
      }
    }
    await pause(backOffMs(pace, TRIES), signal);
    if (planned.has(key)) queue.add(key);
  }

  async function reread(path: string, followed: Followed, { apiVersion }: ApiObject): Promise<ApiObject> {
    return readApiObject(await client.get(path, signal), followed, apiVersion.slice(apiVersion.indexOf("/") + 1));
  }

  return {
    plan(wanted) {
      planned = wanted;
      for (const key of queue) if (!wanted.has(key)) queue.delete(key);
      refusals.keep(wanted);
      contests.keep(wanted);
      lookAtAll();
    },
    recheck(key) {
      look(key);
      start();
    },
    setActive(is) {
      active = is;
      metrics.writer(is);
      if (is) lookAtAll();
    },
    idle: () =>
      writers === 0 && (queue.size === 0 || !active)
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push(resolve)),
    async close() {
      refusals.close();
      contests.close();
      stop.abort(new Error("closed"));
      if (writers > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

const isStill = ({ metadata }: ApiObject, generation: number | undefined) =>
  generation === undefined || metadata.generation === undefined || metadata.generation === generation;

function pathTo({ apiVersion, metadata }: ApiObject, followed: Followed): string {
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return `${pathOf({ ...followed, namespace: metadata.namespace }, version)}/${encodeURIComponent(metadata.name)}`;
}

/** Whether an object carries entries of ours, which have to go when nothing is wanted there any more. */
export function hasEntriesOf(controllerName: string, object: ApiObject): "parents" | "ancestors" | undefined {
  const { status } = object;
  if (!isMap(status)) return undefined;
  return (["parents", "ancestors"] as const).find((key) => {
    const entries: unknown = status[key];
    return (
      Array.isArray(entries) &&
      entries.some((entry: unknown) => isMap(entry) && entry["controllerName"] === controllerName)
    );
  });
}
