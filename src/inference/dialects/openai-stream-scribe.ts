import type { AnswerEvent } from "../../core/step.ts";
import type { IrEvent, IrPart } from "../ir.ts";
import type { StreamScribe, StreamWriterForm } from "./dialect.ts";
import { fromEnd, writeThinking } from "./openai-answer.ts";
import { writeOpenaiUsage } from "./openai-usage.ts";

const DONE: AnswerEvent = { value: undefined, bytes: Buffer.from("[DONE]"), last: true };

/* Thoughts are kept to be given whole. Whoever thinks longer than this has them shown, and cannot give them back. */
const MOST_THOUGHT_CHARS = 8_388_608;

/** Writes a streamed answer as chunks of a chat completion. */
export function createOpenaiStreamScribe({ createdS, wantsUsage }: StreamWriterForm): StreamScribe {
  let id = "";
  let model = "";
  /* Calls of tools are numbered for themselves, by the number of their part. */
  const calls = new Map<number, { readonly number: number; args: boolean }>();
  let thought = 0;
  const thoughts = new Map<number, Extract<IrPart, { readonly kind: "thinking" | "redacted" }>>();

  function toChunk(choices: readonly object[], usage?: object): AnswerEvent {
    const value = {
      id,
      object: "chat.completion.chunk",
      created: createdS,
      model,
      choices,
      ...(wantsUsage ? { usage: usage ?? null } : {}),
    };
    return { value, bytes: Buffer.from(JSON.stringify(value)), last: false };
  }
  const say = (delta: object, finishReason: string | null = null) =>
    toChunk([{ index: 0, delta, logprobs: null, finish_reason: finishReason }]);
  const sayArgs = (number: number, text: string) =>
    say({ tool_calls: [{ index: number, function: { arguments: text } }] });

  function open({ index, part }: Extract<IrEvent, { readonly type: "open" }>): readonly AnswerEvent[] {
    if (part.kind === "thinking") thoughts.set(index, { kind: "thinking", text: "", signature: "" });
    if (part.kind === "redacted") thoughts.set(index, part);
    if (part.kind !== "call") return [];
    const number = calls.size;
    calls.set(index, { number, args: false });
    const described = { name: part.name, arguments: "" };
    return [say({ tool_calls: [{ index: number, id: part.id, type: "function", function: described }] })];
  }

  function goOn({ index, of, text }: Extract<IrEvent, { readonly type: "delta" }>): readonly AnswerEvent[] {
    if (of === "text") return [say({ content: text })];
    if (of === "args") {
      const call = calls.get(index);
      if (call === undefined) return [];
      call.args = true;
      return [sayArgs(call.number, text)];
    }
    thought += text.length;
    const block = thoughts.get(index);
    if (block?.kind === "thinking" && thought <= MOST_THOUGHT_CHARS) {
      const grown = of === "thinking" ? { text: block.text + text } : { signature: block.signature + text };
      thoughts.set(index, { ...block, ...grown });
    }
    return of === "thinking" ? [say({ reasoning_content: text })] : [];
  }

  return (event) => {
    switch (event.type) {
      case "start":
        ({ id, model } = event);
        return [say({ role: "assistant", content: "" })];
      case "open":
        return open(event);
      case "delta":
        return goOn(event);
      case "close": {
        // A tool that takes nothing: the official SDKs parse the arguments as JSON.
        const call = calls.get(event.index);
        return call?.args === false ? [sayArgs(call.number, "{}")] : [];
      }
      case "end": {
        const blocks = thought > MOST_THOUGHT_CHARS ? [] : [...thoughts.values()].flatMap(writeThinking);
        return [
          // All at once: some clients join lists, others keep the last.
          ...(blocks.length === 0 ? [] : [say({ thinking_blocks: blocks })]),
          say({}, fromEnd(event.end)),
          ...(wantsUsage ? [toChunk([], writeOpenaiUsage(event.usage ?? {}))] : []),
          DONE,
        ];
      }
    }
  };
}
