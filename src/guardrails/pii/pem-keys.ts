import type { Findings, Scan } from "./detector.ts";

/* RFC 7468, section 2, and the labels of OpenSSL, OpenSSH and OpenPGP that precede `PRIVATE KEY`. */
const label = "(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----";
const header = new RegExp(`-----BEGIN ${label}`, "g");
const footer = new RegExp(`-----END ${label}`, "g");
/* Lines of base64 and RFC 1421 headers after a header whose footer is missing; line ends may be escaped. */
const lines = /(?:(?:\r?\n|(?:\\r)?\\n)(?:[A-Za-z0-9+/=]+|[A-Za-z-]+: [^\r\n\\]{0,200}|)(?=[\r\n\\-]|$))*/y;
const headerBegun = /-{1,5}$|-----(?:B|BE|BEG|BEGI|BEGIN|BEGIN [A-Z0-9 ]{0,56}-{0,4})$/;
const HEADER_CHARS = 80;

/** Finds private keys in PEM form, from header to footer, none longer than `longest` characters. */
export function findPemKeys({ text, from }: Scan, { found, open }: Findings, longest: number): void {
  header.lastIndex = from;
  let footerEnd = 0;
  for (let match = header.exec(text); match !== null; match = header.exec(text)) {
    const start = match.index;
    if (footerEnd <= start) footerEnd = nextFooter(text, header.lastIndex);
    let end = footerEnd;
    if (end - start > longest) {
      if (text.length - start < longest) open(start);
      end = header.lastIndex + bodyLength(text.slice(header.lastIndex, start + longest));
    }
    found(start, end);
    header.lastIndex = end;
  }
  const begun = headerBegun.exec(text.slice(Math.max(from, text.length - HEADER_CHARS)));
  if (begun !== null) open(text.length - begun[0].length);
}

/** Where the next footer ends; Infinity when there is none. */
function nextFooter(text: string, from: number): number {
  footer.lastIndex = from;
  return footer.exec(text) === null ? Infinity : footer.lastIndex;
}

function bodyLength(text: string): number {
  lines.lastIndex = 0;
  return lines.exec(text)?.[0].length ?? 0;
}
