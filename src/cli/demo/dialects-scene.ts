import { eventsOf, lastRequest, makeCaller } from "./caller.ts";
import type { Scene } from "./scene.ts";

interface ClaudeEvent {
  readonly type: string;
  readonly delta?: { readonly text?: string; readonly stop_reason?: string };
}

export const dialectsScene: Scene = {
  title: "Dialects: a Claude-style client, served by an OpenAI-style provider",
  async play(stage) {
    const { gateway, tell, check } = stage;
    const { key } = await makeCaller(stage, "team-a");
    const response = await fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": key, "anthropic-version": "2023-06-01", "content-type": "application/json" },
      body: JSON.stringify({
        model: "gpt-4o",
        max_tokens: 200,
        system: "Be brief.",
        messages: [{ role: "user", content: [{ type: "text", text: "What is the capital of France?" }] }],
        stream: true,
      }),
    });
    const events = eventsOf<ClaudeEvent>(await response.text());
    tell(`POST /v1/messages for gpt-4o, streamed → ${[...new Set(events.map(({ type }) => type))].join(", ")}`);
    tell(`said: ${events.map(({ delta }) => delta?.text ?? "").join("")}`);
    check(
      events[0]?.type === "message_start" && events.at(-1)?.type === "message_stop",
      "the stream has the events that a Claude-style client knows, and ends whole",
    );
    const { path, body } = await lastRequest(stage);
    tell(`the provider got POST ${path} ${body}`);
    check(
      path === "/v1/chat/completions" && body.includes('"role":"system"'),
      "the provider was asked in its own dialect, the system text as its first message",
    );
  },
};
