import type { Generation, Shape } from "./chunks.ts";

/* As many as a real provider may have: the cache has none. */
const usageOf = (generation: Generation, outputTokens: number) => ({
  input_tokens: generation.promptTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: outputTokens,
});

const messageOf = (generation: Generation, content: readonly object[], rest: object) => ({
  id: generation.id,
  type: "message",
  role: "assistant",
  model: generation.model,
  content,
  ...rest,
});

const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const stopReasons = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", abort: "end_turn" } as const;

const stopOf = ({ finish }: Generation) => ({ stop_reason: stopReasons[finish], stop_sequence: null });

const thinkingOf = ({ thinking }: Generation): readonly object[] =>
  thinking === undefined ? [] : [{ type: "thinking", thinking: thinking.text, signature: thinking.signature }];

const indexOf = ({ thinking }: Generation) => (thinking === undefined ? 0 : 1);

const callId = (generation: Generation) => `toolu_${generation.id.slice(-12)}`;

function thinkAloud({ thinking }: Generation): readonly string[] {
  if (thinking === undefined) return [];
  const delta = (fields: object) => event("content_block_delta", { index: 0, delta: fields });
  const middle = thinking.text.length >> 1;
  return [
    event("content_block_start", { index: 0, content_block: { type: "thinking", thinking: "", signature: "" } }),
    delta({ type: "thinking_delta", thinking: thinking.text.slice(0, middle) }),
    delta({ type: "thinking_delta", thinking: thinking.text.slice(middle) }),
    delta({ type: "signature_delta", signature: thinking.signature }),
    event("content_block_stop", { index: 0 }),
  ];
}

/** Anthropic's messages. */
export const messagesShape: Shape = {
  end: event("message_stop", {}),
  error: event("error", { error: { type: "overloaded_error", message: "The engine died." } }),
  half: 'event: content_block_delta\ndata: {"type":"content_bl',
  whole(generation) {
    const { answer, tokens } = generation;
    const text = tokens.join("");
    // A call that was cut off: the real server gives what could be read of it.
    const whole = generation.finish === "length" ? "{}" : text;
    const block =
      answer.kind === "text"
        ? { type: "text", text, citations: null }
        : { type: "tool_use", id: callId(generation), name: answer.name, input: JSON.parse(whole) as unknown };
    const usage = usageOf(generation, tokens.length);
    return messageOf(generation, [...thinkingOf(generation), block], { ...stopOf(generation), usage });
  },
  first(generation) {
    const { answer } = generation;
    const block =
      answer.kind === "text"
        ? { type: "text", text: "", citations: null }
        : { type: "tool_use", id: callId(generation), name: answer.name, input: {} };
    const rest = { stop_reason: null, stop_sequence: null, usage: usageOf(generation, 1) };
    return [
      event("message_start", { message: messageOf(generation, [], rest) }),
      event("ping", {}),
      ...thinkAloud(generation),
      event("content_block_start", { index: indexOf(generation), content_block: block }),
    ];
  },
  token(generation, token) {
    const delta =
      generation.answer.kind === "text"
        ? { type: "text_delta", text: token }
        : { type: "input_json_delta", partial_json: token };
    return event("content_block_delta", { index: indexOf(generation), delta });
  },
  last: (generation) => [
    event("content_block_stop", { index: indexOf(generation) }),
    event("message_delta", { delta: stopOf(generation), usage: usageOf(generation, generation.tokens.length) }),
  ],
};
