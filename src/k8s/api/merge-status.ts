import { isDeepStrictEqual } from "node:util";
import { isMap, type JsonMap } from "../manifest.ts";

export interface MergeOptions {
  /** Entries of parents and ancestors with this name are ours, and no others. */
  readonly controllerName: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The status to write: `wanted` in place of what is ours in `stored`, and what others said as and where it stands. Undefined: nothing is
 * to be written, because it says so already or because somebody has seen a newer generation of the object.
 */
export function mergeStatus(stored: unknown, wanted: JsonMap, options: MergeOptions): JsonMap | undefined {
  const former = isMap(stored) ? stored : {};
  const next: Record<string, unknown> = { ...former };
  for (const [key, value] of Object.entries(wanted)) {
    if (key === "conditions") next[key] = mergeConditions(former[key], value, "keep", options);
    else if (key === "parents" || key === "ancestors") next[key] = mergeEntries(former[key], value, options);
    else if (key === "listeners") next[key] = mergeListeners(former[key], value, options);
    else next[key] = value;
  }
  /* An empty list says the same as none. */
  for (const key of ["parents", "ancestors"])
    if (former[key] === undefined && Array.isArray(next[key]) && next[key].length === 0) delete next[key];
  if (isDeepStrictEqual(next, former)) return undefined;
  return isOlder(former, wanted, options) ? undefined : next;
}

/** What the schema of a condition allows. */
const MESSAGE_LETTERS = 32_768;

const mapsOf = (value: unknown): readonly JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);

/** RFC 3339 without a fraction, as metav1.Time is written. */
const timeOf = (now: number) => new Date(now).toISOString().replace(/\.\d+Z$/, "Z");

/* `others`: what becomes of types that are not wanted. In an entry of ours every condition is ours. */
function mergeConditions(stored: unknown, wanted: unknown, others: "keep" | "drop", { now }: MergeOptions): JsonMap[] {
  const rest = new Map(mapsOf(wanted).map((condition) => [condition["type"], condition]));
  const merged: JsonMap[] = [];
  for (const former of mapsOf(stored)) {
    const next = rest.get(former["type"]);
    rest.delete(former["type"]);
    if (next !== undefined) merged.push(toCondition(next, former, now));
    else if (others === "keep") merged.push(former);
  }
  for (const next of rest.values()) merged.push(toCondition(next, undefined, now));
  return merged;
}

/* The time is that of the last change of `status`, not of its reason or message (API conventions, "Typical status properties"). */
function toCondition(next: JsonMap, former: JsonMap | undefined, now: number): JsonMap {
  const same = former !== undefined && former["status"] === next["status"];
  const lastTransitionTime = same ? (former["lastTransitionTime"] ?? timeOf(now)) : timeOf(now);
  const message = typeof next["message"] === "string" ? next["message"].slice(0, MESSAGE_LETTERS) : "";
  return { ...next, message, lastTransitionTime };
}

const refOf = (entry: JsonMap) => entry["parentRef"] ?? entry["ancestorRef"];

function mergeEntries(stored: unknown, wanted: unknown, options: MergeOptions): JsonMap[] {
  const { controllerName } = options;
  const rest = [...mapsOf(wanted)];
  const merged: JsonMap[] = [];
  for (const former of mapsOf(stored)) {
    const { controllerName: theirs, ...unnamed } = former;
    const at = rest.findIndex((entry) => isDeepStrictEqual(refOf(entry), refOf(former)));
    /* The first InferencePool v1 had no such field, and its API server leaves out what it does not know: nobody's is ours. */
    if (theirs !== controllerName && (theirs !== undefined || at < 0)) {
      merged.push(former);
      continue;
    }
    const [next] = at < 0 ? [] : rest.splice(at, 1);
    if (next === undefined) continue;
    const { controllerName: _, ...said } = toEntry(next, former, options);
    merged.push(isDeepStrictEqual(said, unnamed) ? former : { ...said, controllerName });
  }
  for (const next of rest) merged.push(toEntry(next, undefined, options));
  return merged;
}

function toEntry(next: JsonMap, former: JsonMap | undefined, options: MergeOptions): JsonMap {
  return {
    ...next,
    controllerName: options.controllerName,
    conditions: mergeConditions(former?.["conditions"], next["conditions"], "drop", options),
  };
}

function mergeListeners(stored: unknown, wanted: unknown, options: MergeOptions): JsonMap[] {
  const known = new Map(mapsOf(stored).map((listener) => [listener["name"], listener]));
  return mapsOf(wanted).map((next) => ({
    ...next,
    conditions: mergeConditions(known.get(next["name"])?.["conditions"], next["conditions"], "drop", options),
  }));
}

/** Whether a condition of ours was written for a later generation than any that is wanted: by a replica that has seen more. */
function isOlder(former: JsonMap, wanted: JsonMap, { controllerName }: MergeOptions): boolean {
  const ours = (status: JsonMap) => [
    ...mapsOf(status["conditions"]),
    ...["parents", "ancestors"].flatMap((key) =>
      mapsOf(status[key])
        .filter((entry) => (entry["controllerName"] ?? controllerName) === controllerName)
        .flatMap((entry) => mapsOf(entry["conditions"])),
    ),
    ...mapsOf(status["listeners"]).flatMap((listener) => mapsOf(listener["conditions"])),
  ];
  const newest = new Map<unknown, number>();
  for (const { type, observedGeneration } of ours(former) as { type?: unknown; observedGeneration?: unknown }[])
    if (typeof observedGeneration === "number") newest.set(type, Math.max(newest.get(type) ?? 0, observedGeneration));
  return (ours(wanted) as { type?: unknown; observedGeneration?: unknown }[]).some(
    ({ type, observedGeneration }) =>
      typeof observedGeneration === "number" && observedGeneration < (newest.get(type) ?? 0),
  );
}
