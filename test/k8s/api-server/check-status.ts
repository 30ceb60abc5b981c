import { invalid } from "./api-failure.ts";

const TYPE =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/;
const REASON = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

type Json = Readonly<Record<string, unknown>>;

/** What the schemas of all kinds say of conditions (meta/v1 Condition), wherever they stand in a status, and of the entries of parents and ancestors. */
export function checkStatus(what: string, status: unknown, path = "status"): void {
  if (Array.isArray(status)) {
    for (const [index, entry] of status.entries()) checkStatus(what, entry, `${path}[${index}]`);
    return;
  }
  if (typeof status !== "object" || status === null) return;
  for (const [key, value] of Object.entries(status)) {
    const at = `${path}.${key}`;
    if (key === "conditions") checkConditions(what, value, at);
    else if (key === "parents" || key === "ancestors") checkEntries(what, value, at);
    else if (value === null) throw invalid(what, `${at}: null is not allowed`);
    checkStatus(what, value, at);
  }
}

function checkConditions(what: string, conditions: unknown, at: string): void {
  if (!Array.isArray(conditions)) throw invalid(what, `${at}: must be of type array`);
  if (conditions.length > 8) throw invalid(what, `${at}: Too many: ${conditions.length}: must have at most 8 items`);
  const seen = new Set<unknown>();
  for (const [index, condition] of (conditions as Json[]).entries()) {
    const { type, status, reason, message, lastTransitionTime, observedGeneration } = condition;
    const here = `${at}[${index}]`;
    if (typeof type !== "string" || !TYPE.test(type)) throw invalid(what, `${here}.type: Invalid value`);
    if (seen.has(type)) throw invalid(what, `${here}: Duplicate value: {"type":"${type}"}`);
    seen.add(type);
    if (!["True", "False", "Unknown"].includes(String(status)))
      throw invalid(what, `${here}.status: Unsupported value`);
    if (typeof reason !== "string" || !REASON.test(reason) || reason.length > 1_024)
      throw invalid(what, `${here}.reason: Invalid value`);
    if (typeof message !== "string" || message.length > 32_768) throw invalid(what, `${here}.message: Invalid value`);
    if (typeof lastTransitionTime !== "string" || !TIME.test(lastTransitionTime))
      throw invalid(what, `${here}.lastTransitionTime: must be of type date-time`);
    if (observedGeneration !== undefined && !Number.isInteger(observedGeneration))
      throw invalid(what, `${here}.observedGeneration: must be of type integer`);
  }
}

function checkEntries(what: string, entries: unknown, at: string): void {
  if (!Array.isArray(entries)) throw invalid(what, `${at}: must be of type array`);
  if (entries.length > 32) throw invalid(what, `${at}: Too many: ${entries.length}: must have at most 32 items`);
  for (const [index, entry] of (entries as Json[]).entries()) {
    const here = `${at}[${index}]`;
    const ref = (entry["parentRef"] ?? entry["ancestorRef"]) as Json | undefined;
    if (typeof ref?.["name"] !== "string") throw invalid(what, `${here}.parentRef.name: Required value`);
    if (typeof entry["controllerName"] !== "string") throw invalid(what, `${here}.controllerName: Required value`);
    if (!Array.isArray(entry["conditions"]) || entry["conditions"].length === 0)
      throw invalid(what, `${here}.conditions: Required value`);
  }
}
