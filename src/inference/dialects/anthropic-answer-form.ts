import type { JsonPath } from "../../core/json-edit.ts";
import { elements, isJsonObject, TextGatherer, type JsonFields } from "../../core/json-texts.ts";
import type { AnswerEvent } from "../../core/step.ts";
import type { AnswerForm, AnswerTexts, TextSlot } from "../../core/text.ts";
import { rawValue } from "../../http/json-locate.ts";
import { addBlock, addRest } from "./anthropic-texts.ts";

/* The kinds of delta that carry text, and the member it stands in. */
const members: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  input_json_delta: "partial_json",
};

/** The kind of delta in which a block's text comes, by the block's index. */
interface OpenBlock {
  readonly index: number;
  readonly kind: string;
}

const MOST_OPEN = 1_000;

/** How texts lie in the answers of messages, whole or streamed. */
export function createAnthropicForm(): AnswerForm {
  return new AnthropicForm();
}

class AnthropicForm implements AnswerForm {
  readonly #open = new Map<string, OpenBlock>();
  #closed = new Map<string, OpenBlock>();
  #events = 0;

  read({ value, bytes }: AnswerEvent): AnswerTexts {
    this.#closed = new Map();
    const texts = new TextGatherer(`${this.#events++} `);
    const pieces: TextSlot[] = [];
    const ended: string[] = [];
    if (isJsonObject(value)) {
      const index = typeof value["index"] === "number" ? value["index"] : 0;
      switch (value["type"]) {
        case "message":
          addMessage(texts, value, [], bytes);
          break;
        case "message_start":
          if (isJsonObject(value["message"])) addMessage(texts, value["message"], ["message"], bytes);
          break;
        case "message_delta":
          if (isJsonObject(value["delta"])) addRest(texts, value["delta"], messageMembers, ["delta"], "assistant");
          break;
        case "content_block_start":
          this.#start(value["content_block"], index, texts, pieces, bytes);
          break;
        case "content_block_delta":
          this.#delta(value["delta"], index, texts, pieces, ended);
          break;
        case "content_block_stop":
          this.#close(index, ended);
          break;
        default:
          addRest(texts, value, eventMembers, [], "assistant");
      }
    }
    const { slots } = texts;
    return { slots: [...slots, ...pieces], ended: [...slots.map(({ channel }) => channel), ...ended] };
  }

  write(channel: string, text: string): AnswerEvent {
    const open = this.#closed.get(channel) ?? this.#open.get(channel);
    if (open === undefined) throw new TypeError(`No block is open on ${channel}.`);
    const { index, kind } = open;
    const value = { type: "content_block_delta", index, delta: { type: kind, [String(members[kind])]: text } };
    return { name: "content_block_delta", value, bytes: Buffer.from(JSON.stringify(value)), last: false };
  }

  /* What a block starts with belongs to what its deltas add; a block without deltas is whole. */
  #start(block: unknown, index: number, texts: TextGatherer, pieces: TextSlot[], bytes: Buffer): void {
    if (!isJsonObject(block)) return;
    const { type } = block;
    if (type === "text" || type === "thinking")
      this.#piece(block[type], ["content_block", type], index, `${type}_delta`, pieces);
    else addWhole(texts, block, ["content_block"], bytes);
  }

  #delta(delta: unknown, index: number, texts: TextGatherer, pieces: TextSlot[], ended: string[]): void {
    if (!isJsonObject(delta)) return;
    const kind = String(delta["type"]);
    const member = members[kind];
    // A signature follows the whole thought.
    if (kind === "signature_delta") this.#close(index, ended);
    else if (member === undefined) addBlock(texts, delta, ["delta"], "assistant");
    else this.#piece(delta[member], ["delta", member], index, kind, pieces);
  }

  #piece(text: unknown, path: readonly string[], index: number, kind: string, pieces: TextSlot[]): void {
    if (typeof text !== "string" || text === "") return;
    const channel = `block ${index}`;
    if (!this.#open.has(channel)) {
      if (this.#open.size >= MOST_OPEN) throw new TypeError(`More than ${MOST_OPEN} blocks are open at once.`);
      this.#open.set(channel, { index, kind });
    }
    const isJson = kind === "input_json_delta";
    const role = isJson ? "tool-input" : "assistant";
    pieces.push({ path, role, text, channel, ...(isJson && { json: true as const }) });
  }

  #close(index: number, ended: string[]): void {
    const channel = `block ${index}`;
    const open = this.#open.get(channel);
    if (open === undefined) return;
    this.#open.delete(channel);
    this.#closed.set(channel, open);
    ended.push(channel);
  }
}

/* What says of a message what it is, and what is read otherwise. */
const messageMembers = new Set([
  "type",
  "id",
  "role",
  "model",
  "content",
  "container",
  "stop_reason",
  "stop_sequence",
  "usage",
]);

const eventMembers = new Set(["type", "error"]);

function addMessage(texts: TextGatherer, message: JsonFields, path: JsonPath, bytes: Buffer): void {
  const { content } = message;
  const at = [...path, "content"];
  if (!Array.isArray(content)) addWhole(texts, content, at, bytes);
  for (const [block, place] of elements(content, at)) addWhole(texts, block, place, bytes);
  addRest(texts, message, messageMembers, path, "assistant");
}

/* What a tool is called with is read as the JSON it is, as on a stream: what was a number becomes one again. */
function addWhole(texts: TextGatherer, block: unknown, path: JsonPath, bytes: Buffer): void {
  const input = isJsonObject(block) ? block["input"] : undefined;
  if (!isJsonObject(block) || !isJsonObject(input)) return addBlock(texts, block, path, "assistant");
  const at = [...path, "input"];
  const json = Object.keys(input).length === 0 ? undefined : rawValue(bytes, at);
  if (json !== undefined) texts.addLiteral(json.toString(), at, "tool-input");
  addBlock(texts, { ...block, input: undefined }, path, "assistant");
}
