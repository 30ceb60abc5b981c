import type { AgentExecutor } from "@a2a-js/sdk/server";
import { runAgent, type SampleAgent } from "../serve.ts";
import { taskEvents, textOf } from "../task-events.ts";

/* Turns notes into a short text, a sentence at a time. Deterministic, so that a test can say what it will write. */

const waitMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function sentencesOf(notes: string): readonly string[] {
  const lines = notes.split(/[\n.!?]+/).map((line) => line.replace(/^[-*\s]+/, "").trim());
  return lines.filter((line) => line !== "").map((line) => `${line.charAt(0).toUpperCase()}${line.slice(1)}.`);
}

/** Milliseconds between two sentences, from the message's metadata: something to watch in a stream. */
function paceOf(metadata: Readonly<Record<string, unknown>> | undefined): number {
  const pace = metadata?.paceMs;
  return typeof pace === "number" && pace > 0 ? Math.min(pace, 5_000) : 0;
}

function createWriter(): AgentExecutor {
  const canceled = new Set<string>();
  return {
    async execute(context, bus) {
      const events = taskEvents(context, bus);
      const paceMs = paceOf(context.userMessage.metadata);
      const sentences = sentencesOf(textOf(context.userMessage));
      events.begin();
      try {
        if (sentences.length === 0)
          return events.status("INPUT_REQUIRED", "What shall I write about? Send a few notes.");
        events.status("WORKING", `Writing ${sentences.length} sentence${sentences.length === 1 ? "" : "s"}.`);
        for (const [index, sentence] of sentences.entries()) {
          if (paceMs > 0) await waitMs(paceMs);
          if (canceled.has(context.taskId)) return events.status("CANCELED", "Stopped as asked.");
          const last = index === sentences.length - 1;
          events.artifact({
            id: "text",
            name: "text",
            text: last ? sentence : `${sentence} `,
            append: index > 0,
            last,
          });
        }
        events.status("COMPLETED");
      } finally {
        canceled.delete(context.taskId);
      }
    },
    async cancelTask(taskId) {
      canceled.add(taskId);
    },
  };
}

export const createWriterAgent = (): SampleAgent => ({
  versions: ["1.0", "0.3"],
  executor: createWriter(),
  card: {
    name: "writer",
    description: "Turns notes into a short text.",
    skills: [
      {
        id: "write",
        name: "Write",
        description: "Writes sentences from notes, one at a time.",
        tags: ["writing"],
        examples: ["the sky is blue. why it is so"],
      },
    ],
  },
});

if (import.meta.main) await runAgent("writer", createWriterAgent());
