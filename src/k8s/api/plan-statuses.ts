import { groupOf, type JsonMap } from "../manifest.ts";
import type { ObjectStatus } from "../status.ts";
import type { ClusterSource } from "./cluster-source.ts";
import { hasEntriesOf, type WantedStatus } from "./status-writer.ts";

/** What every object's status has to be: as wanted, and without entries of ours where an object has no say any more. */
export function planStatuses(
  statuses: readonly ObjectStatus[],
  source: Pick<ClusterSource, "find" | "all">,
  controllerName: string,
): Map<string, WantedStatus> {
  const plan = new Map<string, WantedStatus>();
  for (const { apiVersion, kind, namespace, name, generation, status } of statuses) {
    const found = source.find(groupOf({ apiVersion }), kind, namespace, name);
    if (found === undefined) continue;
    const { key, followed, current } = found;
    /* As it comes back: what is undefined here is not there. */
    plan.set(key, { followed, status: JSON.parse(JSON.stringify(status)) as JsonMap, generation, current });
  }
  for (const { key, object, followed, current } of source.all()) {
    const list = plan.has(key) ? undefined : hasEntriesOf(controllerName, object);
    if (list === undefined) continue;
    plan.set(key, { followed, status: { [list]: [] }, generation: object.metadata.generation, current });
  }
  return plan;
}
