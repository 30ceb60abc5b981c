import type { Scene } from "./scene.ts";

export const modelsScene: Scene = {
  title: "Models: the gateway holds the key, policy decides who may use which",
  async play({ gateway, tell, check }) {
    const headers = { authorization: `Bearer ${await gateway.token()}`, "content-type": "application/json" };
    const ask = (body: object) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers,
        body: JSON.stringify({ messages: [{ role: "user", content: "What is the capital of France?" }], ...body }),
      });
    const answer = (await (await ask({ model: "small" })).json()) as {
      choices?: { message: { content: string } }[];
      usage?: { prompt_tokens: number; completion_tokens: number };
    };
    tell(`small answers: ${answer.choices?.[0]?.message.content.slice(0, 80)}`);
    tell(`it used ${answer.usage?.prompt_tokens} tokens to read and ${answer.usage?.completion_tokens} to write`);
    check(answer.choices?.[0] !== undefined, "an allowed model answers");
    const streamed = await (await ask({ model: "small", stream: true })).text();
    tell(
      `as a stream: ${streamed.split("\n\n").length - 1} events, the last one ${streamed.trim().split("\n").at(-1)}`,
    );
    check(streamed.trim().endsWith("data: [DONE]"), "a stream is relayed event by event and ends whole");
    const denied = await ask({ model: "large" });
    const unknown = await ask({ model: "no-such-model" });
    tell(`large, which no policy allows → ${denied.status}; no-such-model → ${unknown.status}`);
    check(
      denied.status === unknown.status && denied.status === 404,
      "what one may not see and what does not exist look the same",
    );
    const id = denied.headers.get("x-request-id");
    const found = await gateway.admin(`/api/journal?request=${id}`);
    const { records } = (await found.json()) as { records: readonly { decision?: { rule: string } }[] };
    const rule = records[0]?.decision?.rule;
    tell(`the operator asks the journal for request ${id} → denied by "${rule}"`);
    check(rule === "the large model is for operators", "the id of an answer leads to the rule that decided");
  },
};
