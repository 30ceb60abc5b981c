import { elements, isJsonObject, TextGatherer, type JsonFields } from "../../core/json-texts.ts";
import type { JsonPath } from "../../core/json-edit.ts";
import type { AnswerEvent } from "../../core/step.ts";
import type { AnswerForm, AnswerTexts, TextSlot } from "../../core/text.ts";
import { addEnvelope, addMessage, addStructures, addThoughts, envelope, spoken } from "./openai-texts.ts";

/** Where a text stands in what a choice says: a member of the delta, or `text` of a completion; the arguments of a tool; or deeper inside. */
type Member =
  | string
  | { readonly tool: number; readonly custom: boolean }
  | { readonly at: JsonPath; readonly frame: unknown };

interface OpenChannel {
  readonly choice: number;
  readonly member: Member;
}

interface Piece {
  readonly member: Member;
  /** A piece only where it is a text. */
  readonly text: unknown;
  readonly path: JsonPath;
  readonly json?: true;
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
    const whole = new TextGatherer();
    addEnvelope(whole, value);
    for (const [choice, path] of elements(value["choices"], ["choices"])) {
      if (!isJsonObject(choice)) continue;
      this.#envelope = value;
      if (isJsonObject(choice["logprobs"])) repeats.push([...path, "logprobs"]);
      const { message, delta } = choice;
      if (isJsonObject(message)) addMessage(whole, message, [...path, "message"], "assistant");
      // Each of these comes whole.
      if (isJsonObject(delta)) addThoughts(whole, delta, [...path, "delta"], "assistant");
      const index = toIndex(choice["index"]);
      const pieces: Piece[] = [{ member: "text", text: choice["text"], path: [...path, "text"] }];
      if (isJsonObject(delta)) addPieces(pieces, delta, [...path, "delta"]);
      this.#take(pieces, index, slots, ended);
      if (typeof choice["finish_reason"] === "string") this.#close(index, () => true, ended);
    }
    slots.unshift(...whole.slots);
    ended.unshift(...whole.slots.map(({ channel }) => channel));
    return { slots, ended, repeats };
  }

  write(channel: string, text: string): AnswerEvent {
    const open = this.#closed.get(channel) ?? this.#open.get(channel);
    if (open === undefined) throw new TypeError(`Nothing is open on ${channel}.`);
    const { choice: index, member } = open;
    const choice =
      member === "text"
        ? { index, text, logprobs: null, finish_reason: null }
        : { index, delta: toDelta(member, text), finish_reason: null };
    const value: Record<string, unknown> = {};
    for (const name of envelope) if (this.#envelope[name] !== undefined) value[name] = this.#envelope[name];
    value["choices"] = [choice];
    return { value, bytes: Buffer.from(JSON.stringify(value)), last: false };
  }

  #take(pieces: readonly Piece[], choice: number, slots: TextSlot[], ended: string[]): void {
    const going = new Set<string>();
    for (const { member, text, path, json } of pieces) {
      if (typeof text !== "string" || text === "") continue;
      const channel = `${choice} ${nameOf(member)}`;
      going.add(channel);
      if (!this.#open.has(channel)) {
        if (this.#open.size >= MOST_OPEN) throw new TypeError(`More than ${MOST_OPEN} texts are under way at once.`);
        this.#open.set(channel, { choice, member });
      }
      const role = json || isTool(member) ? "tool-input" : "assistant";
      slots.push({ path, role, text, channel, ...(json && { json }) });
    }
    /*
     * A text that gives way to another has come to its end: what is held back of it belongs before the other. Servers may say one under
     * two names in each event (vLLM: `reasoning`, `reasoning_content`); and tools may be called with pieces in turns.
     */
    if (going.size > 0) this.#close(choice, (member, channel) => !isTool(member) && !going.has(channel), ended);
  }

  #close(choice: number, ends: (member: Member, channel: string) => boolean, ended: string[]): void {
    for (const [channel, open] of this.#open) {
      if (open.choice !== choice || !ends(open.member, channel)) continue;
      this.#open.delete(channel);
      this.#closed.set(channel, open);
      ended.push(channel);
    }
  }
}

function addPieces(pieces: Piece[], delta: JsonFields, path: JsonPath): void {
  for (const name of NAMES)
    if (typeof delta[name] === "string") pieces.push({ member: name, text: delta[name], path: [...path, name] });
  const deeper = new TextGatherer();
  addStructures(deeper, delta, [], "assistant");
  for (const { path: at, text } of deeper.slots)
    pieces.push({ member: { at, frame: frameOf(delta, at, "") }, text, path: [...path, ...at] });
  const called = delta["function_call"];
  if (isJsonObject(called)) {
    const place = [...path, "function_call", "arguments"];
    pieces.push({ member: "function_call", text: called["arguments"], path: place, json: true });
  }
  for (const [call, at] of elements(delta["tool_calls"], [...path, "tool_calls"])) {
    if (!isJsonObject(call)) continue;
    const tool = toIndex(call["index"]);
    const { function: called, custom } = call;
    if (isJsonObject(called)) {
      const place = [...at, "function", "arguments"];
      pieces.push({ member: { tool, custom: false }, text: called["arguments"], path: place, json: true });
    }
    if (isJsonObject(custom))
      pieces.push({ member: { tool, custom: true }, text: custom["input"], path: [...at, "custom", "input"] });
  }
}

const isTool = (member: Member): boolean => typeof member === "object" && "tool" in member;

function nameOf(member: Member): string {
  if (typeof member === "string") return member;
  return "tool" in member ? `tool ${member.tool}` : `at ${member.at.join(".")}`;
}

/* What tells a reader which thing it is that a text belongs to. */
const names = { type: "string", id: "string", format: "string", index: "number" } as const;
const LONGEST_NAME = 64;

/** A text alone at its place in a structure, of which only what names things on the way is left. An array has one element then. */
function frameOf(structure: unknown, at: JsonPath, text: string, depth = 0): unknown {
  const step = at[depth];
  if (step === undefined) return text;
  if (typeof step === "number") {
    const list = structure as readonly unknown[];
    return [frameOf(list.length === 1 ? list[0] : list[step], at, text, depth + 1)];
  }
  const fields = structure as JsonFields;
  const kept: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(names)) {
    const value = fields[name];
    if (typeof value === type && String(value).length <= LONGEST_NAME) kept[name] = value;
  }
  return { ...kept, [step]: frameOf(fields[step], at, text, depth + 1) };
}

function toDelta(member: Member, text: string): unknown {
  if (member === "function_call") return { function_call: { arguments: text } };
  if (typeof member === "string") return { [member]: text };
  if ("at" in member) return frameOf(member.frame, member.at, text);
  const { tool: index, custom } = member;
  return { tool_calls: [custom ? { index, custom: { input: text } } : { index, function: { arguments: text } }] };
}

const toIndex = (value: unknown): number => (typeof value === "number" ? value : 0);
