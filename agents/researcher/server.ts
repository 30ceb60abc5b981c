import { STATE_HEADERS_KEY, type AgentExecutor, type RequestContext, type RequestHeaders } from "@a2a-js/sdk/server";
import { runAgent, type SampleAgent } from "../serve.ts";
import { taskEvents, textOf } from "../task-events.ts";
import { openGateway, type Handoff } from "./gateway-access.ts";
import { handToWriter, lookUp, think } from "./research.ts";

/* Answers a question with a tool, a model and another agent, all of them through the gateway and for the user who asked. */

function handoffOf({ context }: RequestContext): Handoff {
  const headers = context.state.get(STATE_HEADERS_KEY) as RequestHeaders | undefined;
  const one = (name: string) => {
    const value = headers?.[name];
    return typeof value === "string" ? value : "";
  };
  return { actorToken: one("x-sallyport-actor-token"), traceparent: one("traceparent") };
}

function createResearcher(): AgentExecutor {
  const running = new Map<string, AbortController>();
  return {
    async execute(context, bus) {
      const events = taskEvents(context, bus);
      const abort = new AbortController();
      running.set(context.taskId, abort);
      const question = textOf(context.userMessage).trim();
      events.begin();
      try {
        if (question === "") return events.status("INPUT_REQUIRED", "What shall I look into?");
        events.status("WORKING", "Looking into it.");
        const gateway = await openGateway(handoffOf(context), abort.signal);
        events.status("WORKING", "Looking it up with a tool.");
        const found = await lookUp(gateway, question);
        events.status("WORKING", "Thinking it over with a model.");
        const thought = await think(gateway, question, found, abort.signal);
        events.status("WORKING", "Handing my notes to the writer.");
        const report = await handToWriter(gateway, `${found}\n${thought}`, abort.signal);
        if (abort.signal.aborted) return events.status("CANCELED", "Stopped as asked.");
        events.artifact({ id: "report", name: "report", text: report, append: false, last: true });
        events.status("COMPLETED", "Done.");
      } catch (thrown) {
        if (abort.signal.aborted) return events.status("CANCELED", "Stopped as asked.");
        events.status("FAILED", thrown instanceof Error ? thrown.message : "I failed.");
      } finally {
        running.delete(context.taskId);
      }
    },
    async cancelTask(taskId) {
      running.get(taskId)?.abort();
    },
  };
}

export const createResearcherAgent = (): SampleAgent => ({
  versions: ["1.0"],
  executor: createResearcher(),
  card: {
    name: "researcher",
    description: "Looks into a question with a tool, a model and the writer, all through the gateway.",
    skills: [
      {
        id: "research",
        name: "Research",
        description: "Answers a question from notes.",
        tags: ["research"],
        examples: ["What does note-7 say?"],
      },
    ],
  },
});

if (import.meta.main) await runAgent("researcher", createResearcherAgent());
