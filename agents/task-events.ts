import { randomUUID } from "node:crypto";
import { Message, Task, TaskArtifactUpdateEvent, TaskStatusUpdateEvent } from "@a2a-js/sdk";
import { AgentEvent, type ExecutionEventBus, type RequestContext } from "@a2a-js/sdk/server";

export type State = "SUBMITTED" | "WORKING" | "INPUT_REQUIRED" | "COMPLETED" | "FAILED" | "CANCELED" | "REJECTED";

/** Publishes what happens to one task, in the order A2A wants: the task first. */
export interface TaskEvents {
  begin(): void;
  status(state: State, text?: string): void;
  /** One piece of an artifact; pieces with the same id belong together. */
  artifact(piece: {
    readonly id: string;
    readonly name: string;
    readonly text: string;
    readonly append: boolean;
    readonly last: boolean;
  }): void;
}

export function taskEvents(
  { taskId, contextId, userMessage, task }: RequestContext,
  bus: ExecutionEventBus,
): TaskEvents {
  const now = () => new Date().toISOString();
  return {
    begin() {
      const fresh = {
        id: taskId,
        contextId,
        status: { state: "TASK_STATE_SUBMITTED", timestamp: now() },
        history: [Message.toJSON(userMessage)],
      };
      bus.publish(AgentEvent.task(task ?? Task.fromJSON(fresh)));
    },
    status(state, text) {
      const message =
        text === undefined
          ? undefined
          : { messageId: randomUUID(), role: "ROLE_AGENT", taskId, contextId, parts: [{ text }] };
      bus.publish(
        AgentEvent.statusUpdate(
          TaskStatusUpdateEvent.fromJSON({
            taskId,
            contextId,
            status: { state: `TASK_STATE_${state}`, timestamp: now(), message },
          }),
        ),
      );
    },
    artifact({ id, name, text, append, last }) {
      bus.publish(
        AgentEvent.artifactUpdate(
          TaskArtifactUpdateEvent.fromJSON({
            taskId,
            contextId,
            artifact: { artifactId: id, name, parts: [{ text }] },
            append,
            lastChunk: last,
          }),
        ),
      );
    },
  };
}

/** All text of a message. */
export function textOf({ parts }: Message): string {
  return parts.flatMap(({ content }) => (content?.$case === "text" ? [content.value] : [])).join("\n");
}
