/* Control characters of both sets, line and paragraph separators, and what turns the direction of writing. */
const hidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** One line of what others wrote, for a terminal: it can neither move the cursor, nor begin a line of its own, nor read backwards. JSON stays JSON. */
export function visibleText(text: string): string {
  return text.replaceAll(hidden, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
