import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { unlessAborted } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { kinds } from "../kinds/registry.ts";
import type { Manifest } from "../manifest.ts";
import type { Objects } from "../objects.ts";
import { formatManifestProblem, type ManifestProblem } from "../read-manifests.ts";
import type { Translation } from "../translate.ts";
import type { UnknownKind } from "../unknown-kinds.ts";
import type { ApiAccess } from "./api-access.ts";
import { createApiClient } from "./api-client.ts";
import { reasonOf } from "./api-error.ts";
import type { Followed } from "./api-object.ts";
import { createBatch } from "./batch.ts";
import { createClusterSource } from "./cluster-source.ts";
import { type Election, startElection } from "./election.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { leaseName } from "./lease-name.ts";
import { type Lookups, recordLookups } from "./lookups.ts";
import { defaultPace, type Pace } from "./pace.ts";
import { planStatuses } from "./plan-statuses.ts";
import { createStatusWriter } from "./status-writer.ts";
import type { Doubt } from "./steady-kinds.ts";

/** What objects come to: something to put in force, and what to say of them. */
export interface Built<T> {
  readonly result: T;
  readonly translation: Pick<Translation, "problems" | "warnings" | "statuses">;
}

export interface ClusterOptions<T> {
  readonly access: ApiAccess;
  /** Those that are watched; empty: all. */
  readonly namespaces: readonly string[];
  /** Entries of a status with this name are ours. Asked once something is in force. */
  readonly controllerName: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: KubernetesMetrics;
  readonly pace?: Pace;
  readonly leaseMs?: number;
  /** Makes what is put in force of the objects. It asks for them through what `look` gives: Secrets and the like are fetched only so. `unknown`: kinds that cannot be read. */
  build(manifests: readonly Manifest[], look: (objects: Objects) => Objects, unknown: readonly UnknownKind[]): Built<T>;
}

/** What to do about a change. */
export interface ClusterWatch {
  /** Takes what `read` gives and puts it in force. Rejects with the reason when it cannot be: what was in force stays. */
  takeUp(): Promise<"applied" | "unchanged" | "refused">;
}

/** What an API server says, as something that follows it. */
export interface Cluster<T> {
  /** Resolves when it is known of every kind what there is of it, or that it cannot be read. Waits for the server; rejects with the signal's reason. */
  ready(signal: AbortSignal): Promise<void>;
  /** What was not known when that was made which is in force, or before anything is; and whether the server is away. */
  doubts(): readonly Doubt[];
  /** What the objects come to as they are now. */
  read(): T;
  /** What `read` gave last is in force: its statuses are true now. */
  inForce(): void;
  /** From here on every change is taken up, and this replica takes its turn in writing statuses. */
  watch(watch: ClusterWatch): void;
  /** Something beside the objects has changed: what they come to is made anew. */
  touch(): void;
  /** Resolves when nothing is due: what is known is in force, and its statuses are written. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** What was not known when it was made stands for as long as it is in force. */
interface Made<T> extends Built<T> {
  readonly doubts: readonly Doubt[];
}

const QUIET_MS = 50;
const LONGEST_MS = 250;
/** After something was put in force nothing is begun for as long as it took, so that requests have half of the time, and at most this. */
const LONGEST_REST_MS = 250;
/** Told in one go; the rest is a number. */
const SHOWN_PROBLEMS = 50;
/** A Secret leads to nothing more; one round beyond what is needed. */
const ROUNDS = 3;

/** Starts to follow the kinds that are read. Everything is let go of by `close`. */
export function openCluster<T>(options: ClusterOptions<T>): Cluster<T> {
  const { access, namespaces, controllerName, clock, log, metrics, pace = defaultPace, build } = options;
  const client = createApiClient({ access, clock, log, metrics });
  let watching: ClusterWatch | undefined;
  let election: Election | undefined;
  /** Made ahead of being read. */
  let prepared: Made<T> | undefined;
  let latest: Made<T> | undefined;
  let standing: readonly Doubt[] | undefined;
  let told = new Set<string>();

  const batch = createBatch({
    quietMs: QUIET_MS,
    longestMs: LONGEST_MS,
    restMs: (tookMs) => Math.min(tookMs, LONGEST_REST_MS),
    monotonic: clock.monotonic,
    run: takeUp,
  });
  const writer = createStatusWriter({ client, clock, log, metrics, pace, controllerName });
  const source = createClusterSource({
    client,
    clock,
    log,
    metrics,
    pace,
    kinds,
    namespaces,
    changed: () => watching !== undefined && batch.mark(),
    statusChanged: writer.recheck,
  });

  function buildNow(): { readonly built: Made<T>; readonly wanted: readonly Followed[] } {
    const lookups: Lookups[] = [];
    const doubts = source.doubts();
    const built = build(
      source.manifests(),
      (objects) => {
        const recorded = recordLookups(objects, source.unread);
        lookups.push(recorded);
        return recorded.objects;
      },
      source.unknown(),
    );
    const services = lookups.map((each) => each.services());
    /* At once: what changes from here on is judged by what counts in this. */
    source.heed(services.includes(undefined) ? undefined : new Set(services.flatMap((each) => [...(each ?? [])])));
    return { built: { ...built, doubts }, wanted: lookups.flatMap((each) => each.wanted()) };
  }

  /* Until what it names has been fetched, or cannot be. */
  async function prepare(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const { built, wanted } = buildNow();
      prepared = built;
      if (!(await source.want(wanted))) return;
    }
  }

  async function takeUp(sinceMs: number): Promise<void> {
    let result: "applied" | "unchanged" | "refused" = "refused";
    try {
      await prepare();
      result = (await watching?.takeUp()) ?? "refused";
    } catch (error) {
      log.error(
        { reason: reasonOf(error) },
        "what the API server says cannot be put in force; the last good configuration stays",
      );
    } finally {
      /* Whoever reads next reads what is there then. */
      prepared = undefined;
    }
    election ??= takeTurns();
    metrics.translated((clock.monotonic() - sinceMs) / 1_000, result);
  }

  /* Whoever does not know every kind would say of objects what is not so: those that do write, or nobody does. */
  const takeTurns = (): Election | undefined =>
    source.complete
      ? startElection({
          client,
          clock,
          log,
          namespace: access.namespace ?? "default",
          name: leaseName(controllerName(), namespaces),
          identity: `${hostname()}_${randomUUID()}`,
          ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
          changed: writer.setActive,
        })
      : undefined;

  /** Every problem once, for as long as it stands. */
  function tell({ problems, warnings }: Built<T>["translation"]): void {
    metrics.refusedObjects(new Set(problems.map(({ file }) => file)).size);
    const now = new Set<string>();
    const say = (level: "error" | "warn", all: readonly ManifestProblem[], message: string) => {
      const lines = all.map((problem) => formatManifestProblem({ ...problem, line: undefined }));
      const fresh = lines.filter((line) => !told.has(line));
      for (const line of lines) now.add(line);
      for (const problem of fresh.slice(0, SHOWN_PROBLEMS)) log[level]({ problem }, message);
      if (fresh.length > SHOWN_PROBLEMS) log[level]({ more: fresh.length - SHOWN_PROBLEMS }, message);
    };
    say("error", problems, "an object cannot be honoured: nothing of it is in force");
    say("warn", warnings, "an object may not mean what it says");
    told = now;
  }

  return {
    async ready(signal) {
      log.info({ server: access.server, from: access.from, namespaces }, "reading from the API server");
      await unlessAborted(source.ready(), signal);
      await unlessAborted(prepare(), signal);
    },
    doubts() {
      const { away } = client;
      const kinds = standing ?? (away === undefined ? source.doubts() : []);
      return away === undefined
        ? kinds
        : [{ text: `the API server cannot be reached: ${away}`, closes: false }, ...kinds];
    },
    read() {
      latest = prepared ?? buildNow().built;
      prepared = undefined;
      tell(latest.translation);
      return latest.result;
    },
    inForce() {
      if (latest === undefined) return;
      standing = latest.doubts;
      writer.plan(planStatuses(latest.translation.statuses, source, controllerName()));
    },
    watch(next) {
      watching = next;
      election = takeTurns();
      /* Something may have changed since it was read. */
      batch.mark();
    },
    touch: () => watching !== undefined && batch.mark(),
    async idle() {
      await batch.idle();
      await writer.idle();
    },
    async close() {
      await batch.close();
      await writer.close();
      await election?.close();
      await source.close();
      await client.close();
    },
  };
}
