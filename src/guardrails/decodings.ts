import { isUtf8 } from "node:buffer";

/*
 * Text that is written so that a filter does not see it and a model reads it all the same. Each of these gives the text with the runs
 * in that writing put plainly, or undefined where there are none. All are linear: one pass of a pattern that cannot backtrack far.
 */

/** Undefined where nothing changed. */
type Decoding = (text: string) => string | undefined;

const replaced = (text: string, run: RegExp, plain: (run: string) => string | undefined): string | undefined => {
  let changed = false;
  const result = text.replaceAll(run, (match) => {
    const decoded = plain(match);
    if (decoded === undefined) return match;
    changed = true;
    return decoded;
  });
  return changed ? result : undefined;
};

/** Printable text, or nothing: any run of letters is base64 of something. Of a text that comes in pieces a run may begin and end inside of a character. */
function toText(run: Buffer): string | undefined {
  const bytes = wholeCharacters(run);
  if (bytes.length === 0 || !isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text;
}

const isContinued = (byte: number) => (byte & 0xc0) === 0x80;

function wholeCharacters(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && isContinued(bytes[start] ?? 0)) start++;
  let last = bytes.length - 1;
  while (last > start && bytes.length - last < 4 && isContinued(bytes[last] ?? 0)) last--;
  const lead = bytes[last] ?? 0;
  const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return bytes.subarray(start, last + length > bytes.length ? last : bytes.length);
}

const base64: Decoding = (text) =>
  replaced(text, /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}/g, (run) => {
    const decoded = toText(Buffer.from(run, "base64"));
    return decoded === undefined ? undefined : ` ${decoded} `;
  });

/* Every letter in hexadecimal has a digit in it: most texts have none so near to each other. */
const hex: Decoding = (text) =>
  /\d\D{0,5}\d/.test(text)
    ? replaced(text, /(?:(?:0x|\\x)?[\da-f]{2}[ ,:]?){8,}/gi, (run) => {
        const digits = run.replaceAll(/0x|\\x|[ ,:]/gi, "");
        return digits.length % 2 === 0 ? toText(Buffer.from(digits, "hex")) : undefined;
      })
    : undefined;

const percent: Decoding = (text) =>
  text.includes("%")
    ? replaced(text, /(?:%[\da-f]{2})+/gi, (run) => toText(Buffer.from(run.replaceAll("%", ""), "hex")))
    : undefined;

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  shy: "",
};

const entities: Decoding = (text) =>
  replaced(text, /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,4});?/gi, (run) => {
    const name = run.slice(1).replace(";", "");
    if (!name.startsWith("#")) return named[name.toLowerCase()];
    const hexadecimal = name[1]?.toLowerCase() === "x";
    return toCharacter(Number.parseInt(name.slice(hexadecimal ? 2 : 1), hexadecimal ? 16 : 10));
  });

const escapes: Decoding = (text) =>
  replaced(text, /\\(?:u\{[\da-f]{1,6}\}|u[\da-f]{4}|x[\da-f]{2}|[0-3][0-7]{2}|[nt"'/])/gi, (run) => {
    const kind = run[1] ?? "";
    if (kind === "u" || kind === "x") return toCharacter(Number.parseInt(run.replaceAll(/[\\ux{}]/g, ""), 16));
    if (/\d/.test(kind)) return toCharacter(Number.parseInt(run.slice(1), 8));
    return kind === "n" || kind === "t" ? " " : kind;
  });

function toCharacter(code: number): string | undefined {
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/* Tag characters mirror ASCII (Unicode 23.9); no font shows them, and tokenizers keep them. */
const tags: Decoding = (text) =>
  replaced(text, /[\u{e0020}-\u{e007e}]+/gu, (run) => {
    let plain = "";
    for (const tag of run) plain += String.fromCharCode((tag.codePointAt(0) ?? 0) - 0xe0000);
    return plain;
  });

/* 256 variation selectors carry a byte each behind any character ("emoji smuggling"). */
const selectors: Decoding = (text) =>
  replaced(text, /[\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]{4,}/gu, (run) =>
    toText(
      Buffer.from(
        Array.from(run).map((selector) => {
          const code = selector.codePointAt(0) ?? 0;
          return code < 0xe0100 ? code - 0xfe00 : code - 0xe0100 + 16;
        }),
      ),
    ),
  );

/* Hexadecimal digits are letters of base64 too, and `\xc3\xa9` is two bytes of one character before it is two escapes. */
const decodings: readonly Decoding[] = [tags, selectors, hex, escapes, percent, entities, base64];

/** The text with every encoded run put plainly; what is hidden in it again stays so. */
export const decode: Decoding = (text) => {
  let decoded = text;
  for (const decoding of decodings) decoded = decoding(decoded) ?? decoded;
  return decoded === text ? undefined : decoded;
};
