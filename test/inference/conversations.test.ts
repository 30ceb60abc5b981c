import { describe, expect, it } from "vitest";
import type { Harness } from "./harness.ts";
import { hello, says, send, start } from "./translation-scene.ts";

describe("a conversation that goes from one dialect to the other", () => {
  it("leaves thoughts that nobody has signed behind on its way back to Anthropic, and a message of nothing else", async () => {
    const { gateway, provider, message, completion } = await start();
    const thinking = { role: "assistant", content: "Ho", reasoning_content: "They greet." };
    provider.next = says(completion.replace(/"message":\{[^}]*\}/, `"message":${JSON.stringify(thinking)}`));
    const asked = { max_tokens: 5, messages: hello };
    const { text } = await send(gateway, "/messages", { ...asked, model: "gpt" });
    const { content } = JSON.parse(text) as { content: { signature?: string }[] };
    expect(content).toMatchObject([
      { type: "thinking", thinking: "They greet." },
      { type: "text", text: "Ho" },
    ]);
    provider.next = says(message);
    const signed = { type: "thinking", thinking: "Hm.", signature: "c2ln" };
    const turns = [
      { role: "assistant", content },
      { role: "user", content: "And?" },
      { role: "assistant", content: [content[0]] },
      { role: "assistant", content: [signed, content[0], content[0]] },
      ...hello,
    ];
    for (const path of ["/messages", "/messages/count_tokens"]) {
      const { status } = await send(gateway, path, { ...asked, model: "claude", messages: [...hello, ...turns] });
      expect(status).toBe(200);
      const { messages } = JSON.parse(provider.seen.body) as { messages: unknown };
      expect(messages).toEqual([
        ...hello,
        { role: "assistant", content: [content[1]] },
        turns[1],
        { role: "assistant", content: [signed] },
        ...hello,
      ]);
    }
  });

  it("leaves them behind for a caller of the OpenAI dialect too, who gives back what has no signature", async () => {
    const { gateway, provider, message } = await start();
    provider.next = says(message);
    const blocks = ["", "c2ln"].map((signature) => ({ type: "thinking", thinking: "Hm.", signature }));
    const messages = [...hello, { role: "assistant", content: "Ho", thinking_blocks: blocks }, ...hello];
    await send(gateway, "/chat/completions", { model: "claude", messages });
    const sent = JSON.parse(provider.seen.body) as { messages: { content: unknown }[] };
    expect(sent.messages[1]?.content).toEqual([blocks[1], { type: "text", text: "Ho" }]);
  });

  it("has tools whose schema says nothing, and Anthropic is told that they take nothing", async () => {
    const { gateway, provider, message } = await start();
    provider.next = says(message);
    const tools = [{}, { parameters: {} }, { parameters: { type: "object" } }].map((rest) => ({
      type: "function",
      function: { name: "f", ...rest },
    }));
    await send(gateway, "/chat/completions", { model: "claude", messages: hello, tools });
    const sent = JSON.parse(provider.seen.body) as { tools: { input_schema: object }[] };
    expect(sent.tools.map(({ input_schema: schema }) => schema)).toEqual([
      { type: "object", properties: {} },
      { type: "object" },
      { type: "object" },
    ]);
  });

  it("has results of tools in messages of their own, and they follow the calls without anything between them", async () => {
    const { gateway, provider, completion } = await start();
    provider.next = says(completion);
    const calls = ["a", "b"].map((id) => ({ type: "tool_use", id, name: "f", input: {} }));
    const image = { type: "image", source: { type: "url", url: "https://example.com/a.png" } };
    const result = (id: string, content: unknown) => ({
      role: "user",
      content: [{ type: "tool_result", tool_use_id: id, content }],
    });
    const messages = [...hello, { role: "assistant", content: calls }, result("a", [image]), result("b", "ok")];
    await send(gateway, "/messages", { model: "gpt", max_tokens: 5, messages });
    const sent = JSON.parse(provider.seen.body) as { messages: { role: string; tool_call_id?: string }[] };
    expect(sent.messages.map(({ role, tool_call_id: id }) => id ?? role)).toEqual([
      "user",
      "assistant",
      "a",
      "b",
      "user",
    ]);
  });

  it("is told to be too long with the code that a caller of the OpenAI dialect looks for", async () => {
    const { gateway, provider } = await start();
    const refuse = async (message: string) => {
      const error = { type: "error", error: { type: "invalid_request_error", message } };
      provider.next = { ...says(JSON.stringify(error)), status: 400 };
      const { text } = await send(gateway, "/chat/completions", { model: "claude", messages: hello });
      return (JSON.parse(text) as { error: object }).error;
    };
    const common = { type: "invalid_request_error", param: null };
    const tooLong = "prompt is too long: 210000 tokens > 200000 maximum";
    expect(await refuse(tooLong)).toEqual({ ...common, message: tooLong, code: "context_length_exceeded" });
    expect(await refuse("no")).toEqual({ ...common, message: "no", code: null });
  });
});

describe("what a call is expected to take", () => {
  const demandOf = (gateway: Harness) => gateway.carried.at(-1)?.context.operation.demand;

  it("is bounded by the request: its bytes, its limit times the answers asked for", async () => {
    const { gateway, provider, completion } = await start();
    provider.next = says(completion);
    const ask = async (path: string, body: object) => {
      await send(gateway, path, { model: "llama", ...body });
      return demandOf(gateway);
    };
    const plain = { model: "llama", messages: hello };
    expect(await ask("/chat/completions", plain)).toEqual({
      inputBytes: JSON.stringify(plain).length,
      maxOutputTokens: undefined,
    });
    expect(await ask("/chat/completions", { messages: hello, max_tokens: 10, n: 3 })).toMatchObject({
      maxOutputTokens: 30,
    });
    expect(await ask("/completions", { prompt: ["a", "b"], max_tokens: 10, n: 2, best_of: 4 })).toMatchObject({
      maxOutputTokens: 80,
    });
    expect(await ask("/completions", { prompt: [1, 2], max_tokens: 10 })).toMatchObject({ maxOutputTokens: 10 });
    expect(await ask("/embeddings", { input: "x" })).toMatchObject({ maxOutputTokens: 0 });
    expect(await ask("/messages", { max_tokens: 7, messages: hello })).toMatchObject({ maxOutputTokens: 7 });
  });

  it("counts an image by itself, not by its base64, wherever it stands", async () => {
    const { gateway, provider, completion } = await start();
    provider.next = says(completion);
    const data = "A".repeat(1_000_000);
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    const cases = [
      ["/chat/completions", [{ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }]],
      ["/messages", [image]],
      ["/messages", [{ type: "tool_result", tool_use_id: "t", content: [image] }]],
      ["/messages", [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }]],
    ] as const;
    for (const [path, content] of cases) {
      await send(gateway, path, { model: "llama", max_tokens: 1, messages: [{ role: "user", content }] });
      const { inputBytes = 0 } = demandOf(gateway) ?? {};
      expect(inputBytes).toBeGreaterThan(8_192);
      expect(inputBytes).toBeLessThan(9_000);
    }
  });
});
