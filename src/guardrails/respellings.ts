/* Letters are changed by their numbers: a callback for each would cost a hundred times as much, and these look at every text. */

function tableOf(pairs: Readonly<Record<string, string>>): Uint16Array {
  const table = Uint16Array.from({ length: 128 }, (_, code) => code);
  for (const [from, to] of Object.entries(pairs)) table[from.charCodeAt(0)] = to.charCodeAt(0);
  return table;
}

/** Undefined where nothing changed. */
function translate(text: string, table: Uint16Array): string | undefined {
  const bytes = Buffer.from(text, "utf16le");
  const units = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  let changed = false;
  for (let index = 0; index < units.length; index++) {
    const unit = units[index] ?? 0;
    if (unit >= 128) continue;
    const other = table[unit] ?? unit;
    if (other === unit) continue;
    units[index] = other;
    changed = true;
  }
  return changed ? bytes.toString("utf16le") : undefined;
}

const leet = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "8": "b",
  "@": "a",
  $: "s",
  "!": "i",
  "|": "l",
  "+": "t",
};
const leetToI = tableOf(leet);
const leetToL = tableOf({ ...leet, "1": "l", "!": "l" });
const turned = tableOf(
  Object.fromEntries(
    Array.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ").map((letter) => {
      const base = letter < "a" ? 65 : 97;
      return [letter, String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)];
    }),
  ),
);

function reverse(text: string): string {
  const bytes = Buffer.from(text, "utf16le");
  new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2).reverse();
  return bytes.toString("utf16le");
}

/** Ways of writing that say the same in other letters: digits for letters, backwards, turned by 13. Undefined where that changes nothing. */
export const respellings: readonly ((text: string) => string | undefined)[] = [
  (text) => translate(text, leetToI),
  // `1` and `!` are an `l` as well.
  (text) => (/[1!]/.test(text) ? translate(text, leetToL) : undefined),
  reverse,
  (text) => translate(text, turned),
];
