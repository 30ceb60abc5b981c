import { STATE_HEADERS_KEY, type AgentExecutor, type RequestHeaders } from "@a2a-js/sdk/server";
import { serveAgent, type RunningAgent } from "../../agents/serve.ts";
import { taskEvents, textOf } from "../../agents/task-events.ts";

/** What came with a task. */
export interface Handed {
  readonly text: string;
  readonly traceparent: string;
  /** The gateway's chain token, from the metadata of the message. */
  readonly token: string;
}

export interface ScriptedAgent extends RunningAgent {
  /** The tasks it was given, oldest first. */
  readonly handed: readonly Handed[];
}

/** An agent that carries out `play` for each message, and answers with the text it gives. */
export async function startScriptedAgent(
  name: string,
  play: (handed: Handed) => Promise<string>,
): Promise<ScriptedAgent> {
  const handed: Handed[] = [];
  const executor: AgentExecutor = {
    async execute(context, bus) {
      const headers = context.context.state.get(STATE_HEADERS_KEY) as RequestHeaders | undefined;
      const task: Handed = {
        text: textOf(context.userMessage),
        traceparent: String(headers?.["traceparent"]),
        token: String(context.userMessage.metadata?.["sallyport.chain"]),
      };
      handed.push(task);
      const events = taskEvents(context, bus);
      events.begin();
      events.artifact({ id: "said", name: "said", text: await play(task), append: false, last: true });
      events.status("COMPLETED");
    },
    async cancelTask() {},
  };
  const card = { name, description: "Does what the test says.", skills: [] };
  return { ...(await serveAgent({ card, versions: ["1.0"], executor }, 0)), handed };
}
