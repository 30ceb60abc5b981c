/** Splits text into pieces that stand for tokens: up to five characters with the white space before them. They join to the same text. */
export function toTokens(text: string): string[] {
  return text.match(/\s*\S{1,5}|\s+$/gu) ?? [];
}

/** A count of tokens that costs nothing: four characters each, at least one. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

/** 32-bit FNV-1a: the same text gives the same answer everywhere. */
export function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return state >>> 0;
}

/** What a thought must carry when it is given back; a real provider's is longer, and as opaque. */
export function sign(text: string): string {
  return Buffer.from(`simulated ${hash(text).toString(16)}`).toString("base64");
}
