import { elements, isJsonObject, TextGatherer, type JsonFields } from "../../core/json-texts.ts";
import type { JsonPath } from "../../core/json-edit.ts";
import type { AnswerEvent } from "../../core/step.ts";
import type { AnswerForm, AnswerTexts, TextSlot } from "../../core/text.ts";
import { addMessage, addThoughts, spoken } from "./openai-texts.ts";

/** Where a channel's text stands in a delta. */
interface OpenChannel {
  readonly choice: number;
  /** A member of the delta, `text` of a completion, or the index of a tool call. */
  readonly member: string | { readonly tool: number; readonly custom: boolean };
}

/* A provider decides how many texts it has open at once, so there is a bound. */
const MOST_OPEN = 1_000;
const NAMES = ["content", ...spoken] as const;

/** How texts lie in the answers of chat and of completions, whole or streamed. */
export function createOpenaiForm(): AnswerForm {
  return new OpenaiForm();
}

class OpenaiForm implements AnswerForm {
  readonly #open = new Map<string, OpenChannel>();
  #closed = new Map<string, OpenChannel>();
  /* What every event of a stream says beside its choices. */
  #envelope: JsonFields = {};

  read({ value }: AnswerEvent): AnswerTexts {
    this.#closed = new Map();
    const slots: TextSlot[] = [];
    const ended: string[] = [];
    const repeats: JsonPath[] = [];
    if (!isJsonObject(value)) return { slots, ended };
    for (const [choice, path] of elements(value["choices"], ["choices"])) {
      if (!isJsonObject(choice)) continue;
      this.#envelope = value;
      if (isJsonObject(choice["logprobs"])) repeats.push([...path, "logprobs"]);
      if (isJsonObject(choice["message"])) {
        const texts = new TextGatherer();
        addMessage(texts, choice["message"], [...path, "message"], "assistant");
        slots.push(...texts.slots);
        ended.push(...texts.slots.map(({ channel }) => channel));
      }
      const index = toIndex(choice["index"]);
      this.#piece(choice["text"], [...path, "text"], index, "text", slots);
      if (isJsonObject(choice["delta"])) this.#delta(choice["delta"], [...path, "delta"], index, slots, ended);
      if (typeof choice["finish_reason"] === "string") this.#close(index, () => true, ended);
    }
    return { slots, ended, repeats };
  }

  write(channel: string, text: string): AnswerEvent {
    const open = this.#closed.get(channel) ?? this.#open.get(channel);
    if (open === undefined) throw new TypeError(`Nothing is open on ${channel}.`);
    const { choice: index, member } = open;
    const { usage: _, ...envelope } = this.#envelope;
    const choice =
      member === "text"
        ? { index, text, logprobs: null, finish_reason: null }
        : { index, delta: toDelta(member, text), finish_reason: null };
    const value = { ...envelope, choices: [choice] };
    return { value, bytes: Buffer.from(JSON.stringify(value)), last: false };
  }

  #delta(delta: JsonFields, path: JsonPath, choice: number, slots: TextSlot[], ended: string[]): void {
    for (const name of NAMES) {
      const piece = delta[name];
      if (piece === undefined || piece === null || piece === "") continue;
      // A text that gives way to another has come to its end: what is held back of it belongs before the other.
      this.#close(choice, (member) => typeof member === "string" && member !== name, ended);
      this.#piece(piece, [...path, name], choice, name, slots);
      for (const [part, at] of elements(piece, [...path, name]))
        if (isJsonObject(part)) this.#piece(part["text"], [...at, "text"], choice, name, slots);
    }
    // Each of these comes whole.
    const thoughts = new TextGatherer();
    addThoughts(thoughts, delta, path, "assistant");
    slots.push(...thoughts.slots);
    ended.push(...thoughts.slots.map(({ channel }) => channel));
    const called = delta["function_call"];
    if (isJsonObject(called))
      this.#piece(called["arguments"], [...path, "function_call", "arguments"], choice, "function_call", slots, true);
    for (const [call, at] of elements(delta["tool_calls"], [...path, "tool_calls"])) {
      if (!isJsonObject(call)) continue;
      const tool = toIndex(call["index"]);
      this.#close(choice, (member) => typeof member === "string", ended);
      if (isJsonObject(call["function"])) {
        const place = [...at, "function", "arguments"];
        this.#piece(call["function"]["arguments"], place, choice, { tool, custom: false }, slots, true);
      }
      if (isJsonObject(call["custom"]))
        this.#piece(call["custom"]["input"], [...at, "custom", "input"], choice, { tool, custom: true }, slots);
    }
  }

  #piece(
    text: unknown,
    path: JsonPath,
    choice: number,
    member: OpenChannel["member"],
    slots: TextSlot[],
    json = false,
  ): void {
    if (typeof text !== "string" || text === "") return;
    const channel = `${choice} ${typeof member === "string" ? member : `tool ${member.tool}`}`;
    if (!this.#open.has(channel)) {
      if (this.#open.size >= MOST_OPEN) throw new TypeError(`More than ${MOST_OPEN} texts are under way at once.`);
      this.#open.set(channel, { choice, member });
    }
    const role = json || typeof member !== "string" ? "tool-input" : "assistant";
    slots.push({ path, role, text, channel, ...(json && { json: true as const }) });
  }

  #close(choice: number, ends: (member: OpenChannel["member"]) => boolean, ended: string[]): void {
    for (const [channel, open] of this.#open) {
      if (open.choice !== choice || !ends(open.member)) continue;
      this.#open.delete(channel);
      this.#closed.set(channel, open);
      ended.push(channel);
    }
  }
}

function toDelta(member: OpenChannel["member"], text: string): unknown {
  if (member === "function_call") return { function_call: { arguments: text } };
  if (typeof member === "string") return { [member]: text };
  const { tool: index, custom } = member;
  return { tool_calls: [custom ? { index, custom: { input: text } } : { index, function: { arguments: text } }] };
}

const toIndex = (value: unknown): number => (typeof value === "number" ? value : 0);
