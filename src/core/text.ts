import type { JsonEdit, JsonPath } from "./json-edit.ts";
import type { AnswerEvent } from "./step.ts";

/** Whose words a text is. `tool-input`: arguments that a model or a caller passes; `tool-output`: what a tool or another agent said. */
export type TextRole = "system" | "user" | "assistant" | "tool-input" | "tool-output";

/** A text inside a JSON document that a model, an agent, a tool or a person will read, and where it stands. */
export interface TextSlot {
  readonly path: JsonPath;
  readonly role: TextRole;
  readonly text: string;
  /**
   * Slots of one channel, in order and over all events of an answer, are one text in pieces: `choice 0`, `block 1`. A whole answer has
   * one slot a channel, and so has a request.
   */
  readonly channel: string;
  /** The text is a piece of JSON (a tool's arguments in pieces): what is put into it must be escaped as inside a JSON string. */
  readonly json?: true;
  /** The value there is a number, and the text its digits: another text in their place makes it a string. */
  readonly number?: true;
  /** With `json`: the value there is that JSON itself and no string of it, so that another text takes its place as it is. */
  readonly literal?: true;
}

/** The edit that puts another text in a slot's place. */
export function toEdit({ path, literal }: TextSlot, text: string): JsonEdit {
  return { path, json: literal === true ? text : JSON.stringify(text) };
}

/** The texts of one event of an answer. */
export interface AnswerTexts {
  readonly slots: readonly TextSlot[];
  /** The channels that end with this event: what was held back of them must go out before it. */
  readonly ended: readonly string[];
  /** Values that say the texts once more, such as the probabilities of their tokens: null takes their place where a text changes. */
  readonly repeats?: readonly JsonPath[];
}

/** How the texts of answers lie in the wire format that the caller speaks. */
export interface AnswerForm {
  read(event: AnswerEvent): AnswerTexts;
  /** An event of its own that carries this text on this channel. Only for channels of this answer that `read` has given. */
  write(channel: string, text: string): AnswerEvent;
}
