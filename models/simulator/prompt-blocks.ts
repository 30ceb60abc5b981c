import type { Message } from "./request.ts";

/* Four characters are a token: see countTokens. */
const BLOCK_CHARS = 64;

/** Keys of a prompt's whole blocks of 16 tokens: two prompts share as many as they are the same from the start, for the same model. */
export function promptBlocks(model: string, messages: readonly Message[]): number[] {
  const text = messages.map((message) => `${message.role}\n${message.text}\n`).join("");
  const keys: number[] = [];
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let at = 0; at < model.length; at++) low = Math.imul(low ^ model.charCodeAt(at), 0x01000193);
  for (let at = 0; at + BLOCK_CHARS <= text.length;) {
    for (const end = at + BLOCK_CHARS; at < end; at++) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b) + 1;
    }
    keys.push((low >>> 0) * 2 ** 21 + (high >>> 11));
  }
  return keys;
}
