import type { JsonPath } from "./json-edit.ts";
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
}

/** How the texts of answers lie in the wire format that the caller speaks. */
export interface AnswerForm {
  /** The texts of one event, and the channels that end with it: what was held back of them must go out before it. */
  read(event: AnswerEvent): { readonly slots: readonly TextSlot[]; readonly ended: readonly string[] };
  /** An event of its own that carries this text on this channel. Only for channels of this answer that `read` has given. */
  write(channel: string, text: string): AnswerEvent;
}
