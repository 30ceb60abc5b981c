import { isFields } from "../dialects/fields.ts";
import type { Endpoint } from "../model-call.ts";
import type { QuestionPlace } from "./cache-key.ts";

/*
 * Beyond this a text is no question but a document, of which only an equal one is the same; and reading it word by word, for each that is
 * near, would hold up everybody. In UTF-16 units.
 */
const MOST_CHARACTERS = 1_024;

/**
 * The question of a conversation: its last message, where that is a user's and nothing but text. What answers a tool's call, shows an
 * image, or asks for several answers has none that could be told from the rest.
 */
export function questionOf({ kind }: Endpoint, body: unknown): QuestionPlace | undefined {
  if (kind !== "chat" || !isFields(body) || !Array.isArray(body["messages"])) return undefined;
  if (!isOne(body["n"])) return undefined;
  const last: unknown = body["messages"].at(-1);
  if (!isFields(last) || last["role"] !== "user") return undefined;
  const { content } = last;
  if (typeof content === "string") return placeOf(last, "content", content);
  if (!Array.isArray(content) || content.length !== 1) return undefined;
  const part: unknown = content[0];
  if (!isFields(part) || part["type"] !== "text" || typeof part["text"] !== "string") return undefined;
  return placeOf(part, "text", part["text"]);
}

function placeOf(holder: object, name: string, text: string): QuestionPlace | undefined {
  return text.length > MOST_CHARACTERS || text.trim() === "" ? undefined : { holder, name, text };
}

const isOne = (value: unknown): boolean => value === undefined || value === null || value === 1;
