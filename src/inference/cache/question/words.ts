/** A word of a text: a run of letters, digits, marks and what joins them. */
export interface Word {
  /** As written, without a possessive ending. */
  readonly written: string;
  /** In lower case, without marks on letters, hyphens and apostrophes: `e-mail` email, `café` cafe. */
  readonly plain: string;
  /** Offset in the text, in UTF-16 units. */
  readonly at: number;
  /** Begins a sentence, so that its capital says nothing. */
  readonly opens: boolean;
}

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’-][\p{L}\p{N}\p{M}]+)*/gu;
const SENTENCE_END = /[.!?:;\n"“]\s*["“(]?\s*$/;

const toPlain = (written: string) =>
  written
    .normalize("NFKD")
    .replace(/[\p{M}'’-]/gu, "")
    .toLowerCase();

/** The words of a text, in order; any script. */
export function wordsOf(text: string): readonly Word[] {
  const found: Word[] = [];
  for (const { 0: whole, index } of text.matchAll(WORD)) {
    const written = whole.replace(/['’]s$/i, "");
    const opens = found.length === 0 || SENTENCE_END.test(text.slice(Math.max(0, index - 6), index));
    found.push({ written, plain: toPlain(written), at: index, opens });
  }
  return found;
}
