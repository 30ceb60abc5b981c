import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { Store, StoredRecord } from "../state/store.ts";
import type { Version } from "./operations.ts";
import type { Sighting } from "./sighting.ts";

interface Owned {
  /** The principal's id. */
  readonly owner: string;
  readonly tenant: string;
  readonly seenAtMs: number;
}

/** What the gateway knows of a task: whose it is. The task itself stays with the agent. */
export interface TaskRecord extends Owned {
  readonly taskId: string;
  readonly contextId: string;
  /** The last state seen, by its 1.0 name; empty when none was. */
  readonly state: string;
  readonly version: Version;
  readonly createdAtMs: number;
}

/** Who owns which task and context, over the store. */
export interface TaskIndex {
  /** The record when the task is the principal's; undefined when it is unknown or somebody else's. */
  find(agent: string, taskId: string, principal: Principal): Promise<TaskRecord | undefined>;
  /** Takes a context for the principal unless it has an owner. Whether it is the principal's now. */
  claimContext(agent: string, contextId: string, principal: Principal): Promise<boolean>;
  ownsContext(agent: string, contextId: string, principal: Principal): Promise<boolean>;
  /** Records what an agent's answer shows. Rejects when the task shown is somebody else's. */
  record(agent: string, sighting: Sighting, version: Version, principal: Principal): Promise<void>;
  /** The principal's tasks, counted up to 10,000. `state` counts by the last state seen. */
  count(agent: string, principal: Principal, contextId: string, state: string): Promise<number>;
}

const tasks = "a2a-task";
const contexts = "a2a-context";
/* A record is written again when it was last seen this long ago, so that its time to live starts anew without a write per call. */
const refreshMs = 3_600_000;

/** `rememberMs`: how long an owner is remembered after the last sighting. */
export function createTaskIndex(store: Store, clock: Clock, rememberMs: number): TaskIndex {
  const indexesOf = (agent: string, record: TaskRecord) => {
    const owner = ownerKey(agent, record);
    return { owner, context: contextKey(owner, record.contextId) };
  };

  async function claim(agent: string, contextId: string, principal: Principal): Promise<boolean> {
    const key = recordKey(agent, contextId);
    const now = clock.now();
    const value: Owned = { owner: principal.id, tenant: principal.tenant, seenAtMs: now };
    const existing = await store.get<Owned>(contexts, key);
    if (existing !== undefined) {
      if (!isOwner(existing.value, principal)) return false;
      if (now - existing.value.seenAtMs > refreshMs) await store.put(contexts, key, value, { ttlMs: rememberMs });
      return true;
    }
    if ((await store.put(contexts, key, value, { ifVersion: 0, ttlMs: rememberMs })) !== undefined) return true;
    const winner = await store.get<Owned>(contexts, key);
    return winner !== undefined && isOwner(winner.value, principal);
  }

  /** Whether the record was written again. */
  async function update(agent: string, sighting: Sighting, existing: StoredRecord<TaskRecord>): Promise<boolean> {
    const now = clock.now();
    const { value } = existing;
    const state = sighting.state === "" ? value.state : sighting.state;
    const contextId = value.contextId === "" ? sighting.contextId : value.contextId;
    if (state === value.state && contextId === value.contextId && now - value.seenAtMs <= refreshMs) return false;
    const next: TaskRecord = { ...value, state, contextId, seenAtMs: now };
    // A lost race means that another answer about the same task was recorded just now, which is as good.
    await store.put(tasks, existing.key, next, {
      ifVersion: existing.version,
      ttlMs: rememberMs,
      indexes: indexesOf(agent, next),
    });
    return true;
  }

  return {
    async find(agent, taskId, principal) {
      const record = await store.get<TaskRecord>(tasks, recordKey(agent, taskId));
      return record !== undefined && isOwner(record.value, principal) ? record.value : undefined;
    },
    claimContext: claim,
    async ownsContext(agent, contextId, principal) {
      const record = await store.get<Owned>(contexts, recordKey(agent, contextId));
      return record !== undefined && isOwner(record.value, principal);
    },
    async record(agent, sighting, version, principal) {
      const { taskId, contextId, state } = sighting;
      if (taskId !== "") {
        const key = recordKey(agent, taskId);
        const now = clock.now();
        const fresh: TaskRecord = {
          owner: principal.id,
          tenant: principal.tenant,
          taskId,
          contextId,
          state,
          version,
          createdAtMs: now,
          seenAtMs: now,
        };
        let existing = await store.get<TaskRecord>(tasks, key);
        if (existing === undefined) {
          const written = await store.put(tasks, key, fresh, {
            ifVersion: 0,
            ttlMs: rememberMs,
            indexes: indexesOf(agent, fresh),
          });
          if (written === undefined) existing = await store.get<TaskRecord>(tasks, key);
        }
        if (existing !== undefined) {
          if (!isOwner(existing.value, principal))
            throw new GatewayError("upstream_invalid", "The agent answered with a task that is not this caller's.");
          // A known task's context was claimed with it.
          if (!(await update(agent, sighting, existing))) return;
        }
      }
      // An agent may put several callers into one context; it then belongs to the first, and only that one may name it.
      if (contextId !== "") await claim(agent, contextId, principal);
    },
    async count(agent, principal, contextId, state) {
      const owner = ownerKey(agent, { owner: principal.id, tenant: principal.tenant });
      const [index, value] = contextId === "" ? ["owner", owner] : ["context", contextKey(owner, contextId)];
      let total = 0;
      let after: string | undefined;
      for (let round = 0; round < 10; round++) {
        const page = await store.find<TaskRecord>(
          tasks,
          index,
          value,
          after === undefined ? { limit: 1_000 } : { limit: 1_000, after },
        );
        total +=
          state === "" ? page.records.length : page.records.filter((record) => record.value.state === state).length;
        after = page.next;
        if (after === undefined) break;
      }
      return total;
    },
  };
}

function isOwner(record: Owned, principal: Principal): boolean {
  return record.owner === principal.id && record.tenant === principal.tenant;
}

/** Store keys are printable ASCII: any other id is named by its hash, marked so that no plain id can collide with one. */
function recordKey(agent: string, id: string): string {
  return `${agent}/${/^[A-Za-z0-9._:-]{1,128}$/.test(id) ? id : `~${hash(id)}`}`;
}

const ownerKey = (agent: string, who: Pick<Owned, "owner" | "tenant">) =>
  `${agent}/${hash(JSON.stringify([who.tenant, who.owner]))}`;
const contextKey = (owner: string, contextId: string) => `${owner}/${hash(contextId)}`;
const hash = (text: string) => createHash("sha256").update(text).digest("base64url");
