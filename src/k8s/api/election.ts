import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { isMap, type JsonMap } from "../manifest.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, reasonOf } from "./api-error.ts";
import { jittered, pause } from "./pace.ts";

export interface ElectionOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** Of the Lease: replicas that use the same one take turns. */
  readonly name: string;
  /** Of this replica, and of no other one. */
  readonly identity: string;
  /** How long a turn lasts without being renewed. Default 15 s. It is renewed, and asked for, every sixth of it. */
  readonly leaseMs?: number;
  /** Told whether it is this replica's turn, whenever that changes. */
  changed(elected: boolean): void;
}

/** One of several replicas has its turn, by a Lease (coordination.k8s.io/v1). */
export interface Election {
  /** Gives the turn up, so that another replica need not wait until it ends. */
  close(): Promise<void>;
}

/**
 * Whoever holds the Lease has its turn until it is not renewed for `leaseMs`. How long that is each replica measures by its own clock,
 * from when it saw the Lease change: what others wrote as the time is not believed. A holder that cannot renew gives up after two thirds.
 */
export function startElection(options: ElectionOptions): Election {
  const { client, clock, log, namespace, name, identity, leaseMs = 15_000, changed } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  let elected = false;
  let renewedAt = 0;
  let observed: { readonly version: unknown; readonly at: number } | undefined;
  let refused = false;
  let toldOf: unknown;

  function turn(next: boolean): void {
    if (elected === next) return;
    elected = next;
    log.info({ lease: `${namespace}/${name}`, identity }, next ? "writes statuses" : "no longer writes statuses");
    changed(next);
  }

  const specOf = (former: JsonMap, holder: string): JsonMap => {
    const now = new Date(clock.now()).toISOString().replace("Z", "000Z");
    const isNew = former["holderIdentity"] !== holder;
    const transitions = typeof former["leaseTransitions"] === "number" ? former["leaseTransitions"] : 0;
    return {
      ...former,
      holderIdentity: holder,
      leaseDurationSeconds: holder === "" ? 1 : Math.max(1, Math.ceil(leaseMs / 1_000)),
      renewTime: now,
      ...(isNew && holder !== "" && { acquireTime: now, leaseTransitions: transitions + 1 }),
    };
  };

  async function tryTurn(give: AbortSignal): Promise<void> {
    const lease = await read(give);
    const askedAt = clock.monotonic();
    if (lease === undefined) {
      const metadata = { name, namespace };
      const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: specOf({}, identity) };
      await client.send(folder, { method: "POST", body }, give);
    } else {
      const { resourceVersion } = isMap(lease["metadata"]) ? lease["metadata"] : {};
      const spec = isMap(lease["spec"]) ? lease["spec"] : {};
      const holder = spec["holderIdentity"];
      if (observed?.version !== resourceVersion) observed = { version: resourceVersion, at: askedAt };
      const seconds = typeof spec["leaseDurationSeconds"] === "number" ? spec["leaseDurationSeconds"] : leaseMs / 1_000;
      const isFree = holder === undefined || holder === null || holder === "";
      const isOver = askedAt - (observed?.at ?? askedAt) >= seconds * 1_000;
      if (holder !== identity && !isFree && !isOver) {
        if (holder !== toldOf) log.info({ lease: `${namespace}/${name}`, holder }, "another replica writes statuses");
        toldOf = holder;
        return turn(false);
      }
      await client.send(`${folder}/${name}`, { method: "PUT", body: { ...lease, spec: specOf(spec, identity) } }, give);
    }
    renewedAt = askedAt;
    if (refused) log.info({ lease: `${namespace}/${name}` }, "the Lease can be used now");
    refused = false;
    toldOf = undefined;
    turn(true);
  }

  async function read(give: AbortSignal): Promise<JsonMap | undefined> {
    try {
      const lease = await client.get(`${folder}/${name}`, give);
      return isMap(lease) ? lease : undefined;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  function failed(error: unknown): void {
    /* Another replica was faster. */
    if (error instanceof ApiError && error.status === 409) return turn(false);
    if (error instanceof ApiError && (error.status === 403 || error.status === 404) && !refused) {
      refused = true;
      log.error(
        { lease: `${namespace}/${name}`, reason: reasonOf(error) },
        "not allowed to use a Lease, so that no status is written: give the service account get, create and update on leases (coordination.k8s.io) in that namespace",
      );
    }
    if (elected && clock.monotonic() - renewedAt > (leaseMs * 2) / 3) turn(false);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      /* A renewal that hangs must not outlive the turn. */
      const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.round(leaseMs / 3))]);
      await tryTurn(limit).catch((error: unknown) => {
        if (!signal.aborted) failed(error);
      });
      if (!signal.aborted) await pause(jittered(leaseMs / 6), signal);
    }
  }
  const running = run();

  return {
    async close() {
      stop.abort(new Error("closed"));
      await running;
      turn(false);
      if (refused) return;
      const limit = AbortSignal.timeout(2_000);
      try {
        const lease = await read(limit);
        if (lease === undefined || !isMap(lease["spec"]) || lease["spec"]["holderIdentity"] !== identity) return;
        const body = { ...lease, spec: specOf(lease["spec"], "") };
        await client.send(`${folder}/${name}`, { method: "PUT", body }, limit);
      } catch {
        /* It ends by itself. */
      }
    },
  };
}
