import { randomUUID } from "node:crypto";
import type { AgentExecutor } from "@a2a-js/sdk/server";
import { serveAgent, type RunningAgent } from "../../agents/serve.ts";
import { taskEvents, textOf } from "../../agents/task-events.ts";
import { rpc } from "../a2a/clients.ts";

export interface ForgetfulAgentOptions {
  readonly gatewayUrl: string;
  /** A token with which it calls the gateway as itself. */
  readonly token: () => Promise<string>;
  /** The agent it hands every message on to. */
  readonly next: string;
}

/** An agent that keeps what came with a message and nothing of its headers: no trace context, no token of the user. */
export async function startForgetfulAgent({ gatewayUrl, token, next }: ForgetfulAgentOptions): Promise<RunningAgent> {
  const executor: AgentExecutor = {
    async execute(context, bus) {
      const events = taskEvents(context, bus);
      events.begin();
      const { metadata } = context.userMessage;
      const message = {
        messageId: randomUUID(),
        role: "ROLE_USER",
        parts: [{ text: textOf(context.userMessage) }],
        metadata,
      };
      const response = await rpc(`${gatewayUrl}/a2a/${next}`, await token(), "SendMessage", { message });
      events.artifact({ id: "answer", name: "answer", text: await response.text(), append: false, last: true });
      events.status("COMPLETED");
    },
    async cancelTask() {},
  };
  const card = { name: "forgetful", description: "Hands on what it is told.", skills: [] };
  return serveAgent({ card, versions: ["1.0"], executor }, 0);
}
