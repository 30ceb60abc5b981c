import type { Behaviour, Provider } from "./fallback-scene.ts";

interface Asked {
  readonly messages: readonly { readonly role: string }[];
}

let calls = 0;

/** Asks for a tool until it has seen so many results, and then says something. `always`: the id of each of its calls. */
export const callsTools =
  (provider: Provider, times: number, always?: string): Behaviour =>
  (response, stream) => {
    const { messages } = JSON.parse(provider.lastBody) as Asked;
    const seen = messages.filter(({ role }) => role === "tool").length;
    const call = { id: always ?? `call_${++calls}`, type: "function", function: { name: "look", arguments: "{}" } };
    const calling = seen < times;
    const said = calling ? { content: null, tool_calls: [call] } : { content: "done" };
    const finish = calling ? "tool_calls" : "stop";
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const head = { id: "c", created: 1, model: "m" };
    if (!stream) {
      response.writeHead(200, { "content-type": "application/json" });
      const message = { role: "assistant", ...said };
      const choices = [{ index: 0, message, finish_reason: finish }];
      response.end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
      return;
    }
    const chunk = (delta: object, reason: string | null = null) =>
      response.write(
        `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`,
      );
    response.writeHead(200, { "content-type": "text/event-stream" });
    chunk({ role: "assistant", content: calling ? null : "" });
    chunk(calling ? { tool_calls: [{ index: 0, ...call }] } : { content: "done" });
    chunk({}, finish);
    response.end(
      `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [], usage })}\n\ndata: [DONE]\n\n`,
    );
  };
