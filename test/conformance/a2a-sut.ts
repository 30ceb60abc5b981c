import { Artifact, Message, TaskArtifactUpdateEvent, TaskStatusUpdateEvent } from "@a2a-js/sdk";
import { AgentEvent, type AgentExecutor } from "@a2a-js/sdk/server";
import { runAgent, type SampleAgent } from "../../agents/serve.ts";
import { taskEvents } from "../../agents/task-events.ts";

/*
 * The agent the official suite is run against: it does what the suite's messageId prefixes ask for
 * (a2a-tck, scenarios/core_operations.feature and streaming.feature).
 */

/* Twice the suite's streaming timeout of 2 s. */
const longTaskMs = 4_000;

const contexts = new Map<string, string>();
const waitMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/* Longer prefixes first: the first that fits is taken. */
const artifactParts: readonly (readonly [prefix: string, part: Readonly<Record<string, unknown>>])[] = [
  ["tck-artifact-file-url", { url: "https://example.com/output.txt", filename: "output.txt", mediaType: "text/plain" }],
  [
    "tck-artifact-file",
    { raw: Buffer.from("file content").toString("base64"), filename: "output.txt", mediaType: "text/plain" },
  ],
  ["tck-artifact-text", { text: "Generated text content" }],
  ["tck-artifact-data", { data: { key: "value", count: 42 } }],
  ["tck-stream-artifact-text", { text: "Streamed text content" }],
  [
    "tck-stream-artifact-file",
    { raw: Buffer.from("file content").toString("base64"), filename: "output.txt", mediaType: "text/plain" },
  ],
  ["tck-stream-001", { text: "Stream hello from TCK" }],
  ["tck-stream-003", { text: "Stream task lifecycle" }],
  ["tck-stream-ordering-001", { text: "Ordered output" }],
];

const executor: AgentExecutor = {
  async execute(context, bus) {
    const { messageId } = context.userMessage;
    const events = taskEvents(context, bus);
    contexts.set(context.taskId, context.contextId);
    const starts = (prefix: string) => messageId.startsWith(prefix);
    const publish = (
      artifactId: string,
      part: Readonly<Record<string, unknown>>,
      more: Readonly<Record<string, unknown>>,
    ) => {
      const artifact = Artifact.toJSON(Artifact.fromJSON({ artifactId, parts: [part] }));
      bus.publish(
        AgentEvent.artifactUpdate(
          TaskArtifactUpdateEvent.fromJSON({ taskId: context.taskId, contextId: context.contextId, artifact, ...more }),
        ),
      );
    };
    if (starts("tck-message-response")) {
      return bus.publish(
        AgentEvent.message(
          Message.fromJSON({
            messageId: `${messageId}-answer`,
            role: "ROLE_AGENT",
            contextId: context.contextId,
            parts: [{ text: "Direct message response" }],
          }),
        ),
      );
    }
    events.begin();
    if (starts("tck-input-required")) return events.status("INPUT_REQUIRED");
    if (starts("tck-reject-task")) return events.status("REJECTED", "rejected");
    if (starts("test-resubscribe-message-id")) {
      events.status("WORKING");
      await waitMs(longTaskMs);
    } else if (starts("tck-stream-artifact-chunked")) {
      events.status("WORKING");
      publish("chunks", { text: "chunk-1 " }, { append: false, lastChunk: false });
      publish("chunks", { text: "chunk-2" }, { append: true, lastChunk: true });
    } else {
      const part = artifactParts.find(([prefix]) => starts(prefix))?.[1];
      if (starts("tck-stream")) events.status("WORKING");
      if (part !== undefined) publish("artifact", part, { append: false, lastChunk: true });
    }
    events.status("COMPLETED", "Hello from TCK");
  },
  async cancelTask(taskId, bus) {
    const contextId = contexts.get(taskId) ?? "";
    bus.publish(
      AgentEvent.statusUpdate(
        TaskStatusUpdateEvent.fromJSON({
          taskId,
          contextId,
          status: { state: "TASK_STATE_CANCELED", timestamp: new Date().toISOString() },
        }),
      ),
    );
  },
};

const sut: SampleAgent = {
  versions: ["1.0"],
  executor,
  card: {
    name: "conformance subject",
    description: "Does what the official suite asks for.",
    version: "1.0.0",
    provider: { organization: "Sallyport", url: "https://example.com" },
    capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false },
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    skills: [{ id: "tck", name: "TCK", description: "Answers the suite.", tags: ["tck"] }],
  },
};

await runAgent("sut", sut);
