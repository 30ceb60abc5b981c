/** Whether a code unit is a letter or digit of a script that separates words: not of one where letters follow each other unspaced. */
export function isWordCode(code: number): boolean {
  if (code < 0x80) return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return (code >= 0xc0 && code <= 0x24f && code !== 0xd7 && code !== 0xf7) || (code >= 0x370 && code <= 0x52f);
}

const isHexDigits = (text: string) => /^[0-9A-Fa-f]{4}$/.test(text);

/**
 * How many characters before `end` belong to an escape such as `\n` or `\u00e9`: 0 when none does. Texts often carry JSON that nobody
 * has parsed; the `n` of an escape is no part of the value that follows.
 */
export function escapeBefore(text: string, end: number): number {
  if (end >= 2 && text.charCodeAt(end - 2) === 92 && "nrtbf".includes(text.charAt(end - 1))) return 2;
  if (end >= 6 && text.startsWith("\\u", end - 6) && isHexDigits(text.slice(end - 4, end))) return 6;
  return 0;
}

/** Whether a letter or digit stands right before `index`, so that no value can begin there. An underscore counts when it joins two words. */
export function isWordBefore(text: string, index: number): boolean {
  if (index === 0) return false;
  const code = text.charCodeAt(index - 1);
  if (code === 95) return isWordBefore(text, index - 1);
  return isWordCode(code) && escapeBefore(text, index) === 0;
}

/** Whether a letter or digit stands at `index`, so that no value can end before it. */
export function isWordAt(text: string, index: number): boolean {
  if (index >= text.length) return false;
  const code = text.charCodeAt(index);
  return isWordCode(code) || (code === 95 && index + 1 < text.length && isWordCode(text.charCodeAt(index + 1)));
}
