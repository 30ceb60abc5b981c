import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSimulator, type SeenRequest, type Simulator } from "../../models/simulator/simulator.ts";
import { startScene, type Scene } from "./fallback-scene.ts";

/* Guards work in the caller's dialect, whatever the provider's is: what they mask never arrives there, what they restore arrives here. */

let simulator: Simulator;
let scene: Scene;
let anthropic: Anthropic;
const seen: SeenRequest[] = [];
const mail = "ann.arbor@example.com";

beforeAll(async () => {
  simulator = await startSimulator({ onRequest: (request) => seen.push(request) });
  const models = ["openai", "anthropic"].map(
    (provider) => `\n  ${provider}: { provider: ${provider}, url: "${simulator.url}", key: none, model: simulated }`,
  );
  scene = await startScene({
    models: models.join(""),
    guardrails: "[{ type: pii, mask: [email], restore: true }]",
  });
  anthropic = new Anthropic({ baseURL: scene.url, apiKey: scene.openai.apiKey, maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  await scene.close();
  await simulator.close();
});

const messages = [{ role: "user" as const, content: `Write to ${mail} today` }];
const toolMessages = [{ role: "user" as const, content: `send_mail to "${mail}"` }];
const parameters = { type: "object" as const, properties: { to: { type: "string" } }, required: ["to"] };

describe.each(["openai", "anthropic"])("a provider of the %s dialect", (model) => {
  const arrived = () => seen.at(-1)?.body.toString() ?? "";

  test("answers a caller of the Anthropic dialect about what it never saw, whole and streamed", async () => {
    const request = { model, max_tokens: 300, messages };
    const whole = await anthropic.messages.create(request);
    const streamed = await anthropic.messages.stream(request).finalMessage();
    for (const { content } of [whole, streamed])
      expect(content[0]).toMatchObject({ type: "text", text: expect.stringContaining(`Write to ${mail} today`) });
    expect(arrived()).toContain("Write to ");
    expect(arrived()).not.toContain("ann.arbor");
  });

  test("and a caller of the OpenAI dialect", async () => {
    const whole = await scene.openai.chat.completions.create({ model, messages });
    const streamed = await scene.openai.chat.completions.stream({ model, messages }).finalChatCompletion();
    for (const { choices } of [whole, streamed])
      expect(choices[0]?.message.content).toContain(`Write to ${mail} today`);
    expect(arrived()).not.toContain("ann.arbor");
  });

  test("calls tools of either caller with what it never saw", async () => {
    const asked = await anthropic.messages
      .stream({
        model,
        max_tokens: 300,
        messages: toolMessages,
        tools: [{ name: "send_mail", input_schema: parameters }],
      })
      .finalMessage();
    expect(asked.content[0]).toMatchObject({ type: "tool_use", name: "send_mail", input: { to: mail } });
    const tools = [{ type: "function" as const, function: { name: "send_mail", parameters } }];
    for (const answer of [
      await scene.openai.chat.completions.create({ model, messages: toolMessages, tools }),
      await scene.openai.chat.completions.stream({ model, messages: toolMessages, tools }).finalChatCompletion(),
    ])
      expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({
        function: { name: "send_mail", arguments: JSON.stringify({ to: mail }) },
      });
    expect(arrived()).not.toContain("ann.arbor");
  });
});
