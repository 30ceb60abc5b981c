import type { OperationContext } from "../core/step.ts";
import type { MethodSpec, Version } from "./operations.ts";
import { isObject } from "./rpc-request.ts";

/** What one answer or event shows of a task. Fields that it does not show are empty. */
export interface Sighting {
  readonly taskId: string;
  readonly contextId: string;
  /** The 1.0 name. */
  readonly state: string;
}

/** What an answer or event says of a failure: an error in place of a result, or the state of the task. */
export function complaintOf(
  value: Readonly<Record<string, unknown>>,
  sighting: Sighting | undefined,
): OperationContext["complaint"] {
  const { error } = value;
  if ((error !== undefined && error !== null) || sighting?.state === "TASK_STATE_REJECTED") return "refused";
  return sighting?.state === "TASK_STATE_FAILED" ? "failed" : undefined;
}

const terminal = new Set(["TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "TASK_STATE_REJECTED"]);
export const isTerminal = (state: string) => terminal.has(state);

/** Reads the `result` of a JSON-RPC answer or stream event; undefined when it shows neither task nor context. */
export function sightingOf(result: unknown, version: Version, spec: MethodSpec): Sighting | undefined {
  if (!isObject(result)) return undefined;
  const subject = version === "1.0" ? subjectOfCurrent(result, spec) : result;
  if (!isObject(subject)) return undefined;
  const isTask =
    version === "1.0"
      ? subject === result.task || subject === result
      : result.kind === "task" || result.kind === undefined;
  const taskId = text(isTask ? subject.id : subject.taskId);
  const contextId = text(subject.contextId);
  if (taskId === "" && contextId === "") return undefined;
  const status = subject.status;
  return { taskId, contextId, state: isObject(status) ? stateName(text(status.state), version) : "" };
}

/** 1.0 names the kind by the member; get and cancel answer with a bare task (section 9.4). */
function subjectOfCurrent(result: Readonly<Record<string, unknown>>, spec: MethodSpec): unknown {
  if (spec.subject === "task" && !spec.stream) return result;
  return result.task ?? result.message ?? result.statusUpdate ?? result.artifactUpdate;
}

function stateName(state: string, version: Version): string {
  if (version === "1.0" || state === "") return state;
  return `TASK_STATE_${state.replaceAll("-", "_").toUpperCase()}`;
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
