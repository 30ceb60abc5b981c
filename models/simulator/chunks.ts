import type { Answer } from "./answer.ts";
import type { FinishReason } from "./metrics.ts";
import { toTokens } from "./text.ts";

/** What one answer is made of, before it is given a wire shape. */
export interface Generation {
  readonly id: string;
  readonly createdS: number;
  readonly model: string;
  readonly answer: Answer;
  /** The pieces that go out one by one: of the text, or of the tool's arguments. */
  readonly tokens: readonly string[];
  readonly promptTokens: number;
  readonly finish: FinishReason;
}

/** Cuts or repeats an answer to the number of tokens that was asked for. */
export function toGeneration(
  answer: Answer,
  facts: {
    readonly id: string;
    readonly createdS: number;
    readonly model: string;
    readonly promptTokens: number;
    readonly exactTokens: number | undefined;
    readonly maxTokens: number | undefined;
  },
): Generation {
  const natural = toTokens(answer.kind === "text" ? answer.text : answer.arguments);
  const exact = facts.exactTokens;
  const wanted =
    exact === undefined
      ? natural
      : Array.from({ length: exact }, (_, index) => natural[index % natural.length] ?? " word");
  const limit = facts.maxTokens ?? Number.POSITIVE_INFINITY;
  const tokens = wanted.length > limit ? wanted.slice(0, limit) : wanted;
  const natureOfEnd: FinishReason = answer.kind === "tool" ? "tool_calls" : "stop";
  return { ...facts, answer, tokens, finish: tokens.length < wanted.length ? "length" : natureOfEnd };
}

export function toUsage(promptTokens: number, completionTokens: number) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** The two endpoints that generate: how a whole answer and the pieces of a streamed one look. */
export interface Shape {
  whole(generation: Generation): object;
  /** Sent before the first token. */
  first(generation: Generation): object | undefined;
  token(generation: Generation, token: string): object;
  last(generation: Generation): object;
  usage(generation: Generation): object;
}

const chunk = (generation: Generation, object: string, choices: readonly object[]) => ({
  id: generation.id,
  object,
  created: generation.createdS,
  model: generation.model,
  system_fingerprint: "fp_simulated",
  choices,
});
const choice = (delta: object, finish_reason: string | null = null) => [
  { index: 0, delta, logprobs: null, finish_reason },
];
const callId = (generation: Generation) => `call_${generation.id.slice(-12)}`;

const CHAT_CHUNK = "chat.completion.chunk";

export const chatShape: Shape = {
  whole(generation) {
    const { answer, tokens } = generation;
    const text = tokens.join("");
    const message =
      answer.kind === "text"
        ? { role: "assistant", content: text, refusal: null }
        : {
            role: "assistant",
            content: null,
            refusal: null,
            tool_calls: [
              { id: callId(generation), type: "function", function: { name: answer.name, arguments: text } },
            ],
          };
    return {
      ...chunk(generation, "chat.completion", [
        { index: 0, message, logprobs: null, finish_reason: generation.finish },
      ]),
      usage: toUsage(generation.promptTokens, tokens.length),
    };
  },
  first(generation) {
    const { answer } = generation;
    const delta =
      answer.kind === "text"
        ? { role: "assistant", content: "", refusal: null }
        : {
            role: "assistant",
            content: null,
            tool_calls: [
              { index: 0, id: callId(generation), type: "function", function: { name: answer.name, arguments: "" } },
            ],
          };
    return chunk(generation, CHAT_CHUNK, choice(delta));
  },
  token: (generation, token) =>
    chunk(
      generation,
      CHAT_CHUNK,
      choice(
        generation.answer.kind === "text"
          ? { content: token }
          : { tool_calls: [{ index: 0, function: { arguments: token } }] },
      ),
    ),
  last: (generation) => chunk(generation, CHAT_CHUNK, choice({}, generation.finish)),
  usage: (generation) => ({
    ...chunk(generation, CHAT_CHUNK, []),
    usage: toUsage(generation.promptTokens, generation.tokens.length),
  }),
};

const textChoice = (text: string, finish_reason: string | null) => [{ index: 0, text, logprobs: null, finish_reason }];

export const completionShape: Shape = {
  whole: (generation) => ({
    ...chunk(generation, "text_completion", textChoice(generation.tokens.join(""), generation.finish)),
    usage: toUsage(generation.promptTokens, generation.tokens.length),
  }),
  first: () => undefined,
  token: (generation, token) => chunk(generation, "text_completion", textChoice(token, null)),
  last: (generation) => chunk(generation, "text_completion", textChoice("", generation.finish)),
  usage: (generation) => ({
    ...chunk(generation, "text_completion", []),
    usage: toUsage(generation.promptTokens, generation.tokens.length),
  }),
};
