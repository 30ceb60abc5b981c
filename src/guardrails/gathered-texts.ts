import type { TextRole, TextSlot } from "../core/text.ts";

/* What lies in the middle of a long text was seen when that text was looked at alone. */
const LONG = 2_048;
const END = 1_024;

/**
 * The texts of a request as a model takes them in: those of one role one after the other, because what is cut into parts and messages is
 * read as one. With a line between them; and, so that a word that was cut is whole, with nothing between their ends.
 */
export function gatherTexts(slots: readonly TextSlot[]): readonly string[] {
  const byRole = new Map<TextRole, string[]>();
  for (const { role, text } of slots) {
    const texts = byRole.get(role);
    if (texts === undefined) byRole.set(role, [text]);
    else texts.push(text);
  }
  const gathered: string[] = [];
  for (const texts of byRole.values()) {
    gathered.push(texts.join("\n"));
    if (texts.length > 1) gathered.push(texts.map(endsOf).join(""));
  }
  return gathered;
}

function endsOf(text: string): string {
  return text.length <= LONG ? text : `${text.slice(0, END)}\0${text.slice(-END)}`;
}
