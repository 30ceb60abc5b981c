/* Whether a character belongs to a word: 1 yes, 2 no, 0 not looked at yet. */
const kinds = new Uint8Array(65_536);
const word = /[\p{L}\p{N}]/u;

function isWord(code: number): boolean {
  const known = kinds[code] ?? 2;
  if (known !== 0) return known === 1;
  const found = word.test(String.fromCharCode(code));
  kinds[code] = found ? 1 : 2;
  return found;
}

const joins = new Set(Array.from("-_.*~/\\|+:").map((character) => character.charCodeAt(0)));
const FEWEST_APART = 4;
const WIDEST_APART = 4;
const WIDEST_JOINT = 3;
const LONG_WORD = 12;

/** A stretch of the text, from its first word to its last. */
interface Stretch {
  start: number;
  end: number;
  words: number;
}

/**
 * What is written so that its letters or words do not stand as usual, pulled together, a line each: single letters apart (`i g n o r e`,
 * `i.g.n.o.r.e`), words joined by something other than a space (`ignore_previous-instructions`), and long words (`ignorePrevious`).
 */
export function compactText(text: string): string {
  const runs: string[] = [];
  const apart: Stretch = { start: 0, end: 0, words: 0 };
  const joined: Stretch = { start: 0, end: 0, words: 0 };
  const take = ({ start, end }: Stretch) => {
    let run = "";
    for (let index = start; index < end; index++) if (isWord(text.charCodeAt(index))) run += text[index];
    runs.push(run);
  };
  let at = 0;
  for (;;) {
    const gap = at;
    let joining = true;
    while (at < text.length && !isWord(text.charCodeAt(at))) joining = joins.has(text.charCodeAt(at++)) && joining;
    const width = at - gap;
    const start = at;
    while (at < text.length && isWord(text.charCodeAt(at))) at++;
    const single = at - start === 1;
    if (!single || width > WIDEST_APART) {
      if (apart.words >= FEWEST_APART) take(apart);
      apart.words = 0;
    }
    if (!joining || width > WIDEST_JOINT || start === at) {
      if (joined.words > 1 || joined.end - joined.start >= LONG_WORD) take(joined);
      joined.words = 0;
    }
    if (start === at) break;
    if (single) extend(apart, start, at);
    extend(joined, start, at);
  }
  return runs.join("\n");
}

function extend(stretch: Stretch, start: number, end: number): void {
  if (stretch.words === 0) stretch.start = start;
  stretch.words++;
  stretch.end = end;
}
