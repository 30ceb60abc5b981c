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
  /** Whether a stream ends with its usage, where that is for the caller to say. */
  readonly includeUsage: boolean;
  /** What the model thought first, and the signature that it must be given back with; undefined when it was not asked to think. */
  readonly thinking: { readonly text: string; readonly signature: string } | undefined;
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
    readonly includeUsage: boolean;
    readonly thinking: Generation["thinking"];
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

/** How an endpoint that generates gives its answer, whole and in server-sent events; each event is the text that goes over the wire. */
export interface Shape {
  whole(generation: Generation): object;
  /** Sent before the first token. */
  first(generation: Generation): readonly string[];
  token(generation: Generation, token: string): string;
  /** Why it ended, and what was used. */
  last(generation: Generation): readonly string[];
  readonly end: string;
  readonly error: string;
  /** What a crash leaves behind: half an event. */
  readonly half: string;
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

const event = (generation: Generation, value: object) =>
  `data: ${JSON.stringify(generation.includeUsage ? { usage: null, ...value } : value)}\n\n`;

const openaiMarks = {
  end: "data: [DONE]\n\n",
  error: `data: ${JSON.stringify({ error: { message: "The engine died.", type: "server_error", param: null, code: 500 } })}\n\n`,
  half: 'data: {"id":"chatcmpl-',
};

/** The last chunk with a choice, and the one with the usage where it was asked for. */
function finish(generation: Generation, object: string, choices: readonly object[]): readonly string[] {
  const last = event(generation, chunk(generation, object, choices));
  if (!generation.includeUsage) return [last];
  const usage = toUsage(generation.promptTokens, generation.tokens.length);
  return [last, event(generation, { ...chunk(generation, object, []), usage })];
}

const CHAT_CHUNK = "chat.completion.chunk";

export const chatShape: Shape = {
  ...openaiMarks,
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
    return [event(generation, chunk(generation, CHAT_CHUNK, choice(delta)))];
  },
  token(generation, token) {
    const delta =
      generation.answer.kind === "text"
        ? { content: token }
        : { tool_calls: [{ index: 0, function: { arguments: token } }] };
    return event(generation, chunk(generation, CHAT_CHUNK, choice(delta)));
  },
  last: (generation) => finish(generation, CHAT_CHUNK, choice({}, generation.finish)),
};

const textChoice = (text: string, finish_reason: string | null) => [{ index: 0, text, logprobs: null, finish_reason }];

export const completionShape: Shape = {
  ...openaiMarks,
  whole: (generation) => ({
    ...chunk(generation, "text_completion", textChoice(generation.tokens.join(""), generation.finish)),
    usage: toUsage(generation.promptTokens, generation.tokens.length),
  }),
  first: () => [],
  token: (generation, token) => event(generation, chunk(generation, "text_completion", textChoice(token, null))),
  last: (generation) => finish(generation, "text_completion", textChoice("", generation.finish)),
};
