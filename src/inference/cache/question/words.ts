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

/* `cast-iron` is as well written in two words; `e-mail`, `Wi-Fi` and `GPT-4` in one. */
function partsOf(written: string): readonly string[] {
  const parts = written.split("-");
  const [first = "", ...rest] = parts;
  const splits = (/^\d+$/.test(first) || first.length > 2) && rest.every((part) => /^\p{L}{3}/u.test(part));
  return splits ? parts : [written];
}

/** The words of a text, in order; any script. */
export function wordsOf(text: string): readonly Word[] {
  const found: Word[] = [];
  for (const { 0: whole, index } of text.matchAll(WORD)) {
    let at = index;
    for (const part of partsOf(whole.replace(/['’]s$/i, ""))) {
      const opens = at === index && (found.length === 0 || SENTENCE_END.test(text.slice(Math.max(0, at - 6), at)));
      found.push({ written: part, plain: toPlain(part), at, opens });
      at += part.length + 1;
    }
  }
  return found;
}
