import { allLabels } from "./labels.ts";
import { CODE_MAX_PAIRS, CODE_MIN_PAIRS, isCodeUnit, type Masked } from "./token.ts";
import type { TextView } from "./text-view.ts";
import type { Vault } from "./vault.ts";
import { isWordCode } from "./words.ts";

/** A token in an answer, up to before `end`. */
export interface TokenMatch {
  readonly masked: Masked;
  readonly end: number;
}

/** `open`: what follows decides. */
type Tried = TokenMatch | "open" | undefined;

/** Where tokens are looked for. */
export interface TokenScan {
  readonly view: TextView;
  /** The code unit before the view; 0 at the beginning of the channel. */
  readonly before: number;
  /** Whether nothing follows the view. */
  readonly final: boolean;
  /** The values of this request. */
  readonly vault: Vault;
}

/**
 * Reads the token that begins at `index`, in the forms models give back: `[EMAIL_7K2M9Q4R3T]` in any case; a space inside the brackets;
 * both brackets escaped, or none; `\_`, `-` or a space for `_`. Label and code must be a token of this request to the letter.
 * Without brackets no letter or digit may stand right before or after it.
 */
export function matchToken(scan: TokenScan, index: number): Tried {
  const { text } = scan.view;
  const char = text.charAt(index);
  if (char === "[") return inBrackets(scan, index + 1, "]");
  if (char === "\\") {
    if (index + 1 === text.length) return orNone(scan);
    return text.charAt(index + 1) === "[" ? inBrackets(scan, index + 2, "\\]") : undefined;
  }
  if (char === '"') return inQuotes(scan, index);
  const before = index === 0 ? scan.before : text.charCodeAt(index - 1);
  return isWordCode(before) ? undefined : core(scan, index);
}

/* Two letters of a label tell most words from it; at the end one may be all there is. */
const labelBegun = allLabels.map((label) => `${label.charAt(0)}(?:${label.charAt(1)}|$)`).join("|");
const beginning = new RegExp(`[[\\\\"]|(?<![A-Za-z0-9])(?:${labelBegun})`, "gi");

/** The next place from `index` on where a token may begin; the text's length when there is none. */
export function nextBeginning(text: string, index: number): number {
  beginning.lastIndex = index;
  return beginning.exec(text)?.index ?? text.length;
}

const orNone = ({ final }: TokenScan): Tried => (final ? undefined : "open");

function inBrackets(scan: TokenScan, start: number, close: string): Tried {
  const { text } = scan.view;
  const inner = core(scan, text.charAt(start) === " " ? start + 1 : start);
  if (inner === undefined || inner === "open") return inner;
  const end = text.charAt(inner.end) === " " ? inner.end + 1 : inner.end;
  if (text.startsWith(close, end)) return { ...inner, end: end + close.length };
  return close.startsWith(text.slice(end)) ? orNone(scan) : undefined;
}

/** A number's token: the quotes that made it a string go with it. */
function inQuotes(scan: TokenScan, index: number): Tried {
  const { view, vault } = scan;
  if (!vault.hasBare) return undefined;
  if (index + 1 === view.text.length) return orNone(scan);
  if (view.text.charAt(index + 1) !== "[") return undefined;
  const inner = inBrackets(scan, index + 2, "]");
  if (inner === undefined || inner === "open") return inner;
  if (inner.masked.bare !== true) return undefined;
  if (inner.end === view.text.length) return orNone(scan);
  return view.text.charAt(inner.end) === '"' ? { ...inner, end: inner.end + 1 } : undefined;
}

/** The token without its brackets. */
function core(scan: TokenScan, start: number): Tried {
  const { text } = scan.view;
  const label = allLabels.find((each) => text.slice(start, start + each.length).toUpperCase() === each);
  if (label === undefined) {
    const rest = text.length - start < LABEL_MAX ? text.slice(start).toUpperCase() : "-";
    return allLabels.some((each) => each.startsWith(rest)) ? orNone(scan) : undefined;
  }
  const joint = start + label.length;
  const first = text.startsWith("\\_", joint) ? joint + 2 : joint + 1;
  if (joint === text.length || (first > text.length - 1 && text.charAt(joint) === "\\")) return orNone(scan);
  if (first === joint + 1 && !"_- ".includes(text.charAt(joint))) return undefined;
  let end = first;
  while (end < text.length && end - first < 2 * CODE_MAX_PAIRS && isCodeUnit(text.charCodeAt(end), end - first)) end++;
  if (end === text.length && !scan.final) return "open";
  if (end - first < 2 * CODE_MIN_PAIRS || (end < text.length && isWordCode(text.charCodeAt(end)))) return undefined;
  const masked = scan.vault.find(label, text.slice(first, end).toUpperCase());
  return masked && { masked, end };
}

const LABEL_MAX = Math.max(...allLabels.map((label) => label.length));
