import type { TextSlot } from "../../core/text.ts";
import { type Detect, normaliseValue } from "./detect.ts";
import { piiKinds } from "./detector.ts";
import { labels, LITERAL, tokenLike } from "./labels.ts";
import { leadOf } from "./lead.ts";
import { QuoteCount, type TextView, viewJson, viewPlain } from "./text-view.ts";
import type { Vault } from "./vault.ts";

export interface RequestMask {
  readonly detect: Detect;
  /** Whether answers are restored: then a text that looks like a token is masked as well. */
  readonly restore: boolean;
}

/** Where a token goes. */
interface Place {
  readonly label: string;
  readonly start: number;
  readonly end: number;
}

/** What is to be masked in a slot's text. */
export interface Marked {
  readonly view: TextView;
  readonly places: readonly Place[];
  readonly number: boolean;
}

/** Finds what is to be masked in a text of a request; undefined: nothing. */
export function markSlot(slot: TextSlot, { detect, restore }: RequestMask): Marked | undefined {
  const view = slot.json === true ? viewJson(slot.text) : viewPlain(slot.text);
  const lead = leadOf(slot);
  const { found } = detect(lead + view.text, lead.length, true);
  const places = found.map(({ kind, start, end }) => ({
    label: labels[kind],
    start: start - lead.length,
    end: end - lead.length,
  }));
  if (restore) addLiterals(view.text, places);
  return places.length === 0 ? undefined : { view, places, number: slot.number === true };
}

/* Without this, a caller who writes a token that stands for another value of the same request would get that value in its place. */
function addLiterals(text: string, places: Place[]): void {
  const found = [...places];
  let passed = 0;
  for (const { index, 0: literal } of text.matchAll(tokenLike)) {
    const end = index + literal.length;
    while (passed < found.length && (found[passed]?.end ?? 0) <= index) passed++;
    if ((found[passed]?.start ?? Infinity) >= end) places.push({ label: LITERAL, start: index, end });
  }
  if (places.length > found.length) places.sort((a, b) => a.start - b.start);
}

/** The text with tokens in place of what was marked. What stands outside of a JSON string gets quotes, so that the text stays JSON. */
export function maskMarked({ view, places, number }: Marked, vault: Vault): string {
  const { raw, text } = view;
  let masked = "";
  let copied = 0;
  const quotes = new QuoteCount(view);
  for (const place of places) {
    const unquoted = view.json && !quotes.inString(place.start);
    const { start, end } = unquoted || number ? wholeLiteral(text, place, copied) : place;
    const value = text.slice(start, end);
    const normalised = normaliseAs(place.label, value);
    const token = vault.tokenOf({
      label: place.label,
      value,
      normalised,
      ...((unquoted || number) && jsonNumber.test(value) && { bare: true }),
    });
    masked += raw.slice(view.rawIndex(copied), view.rawIndex(start)) + (unquoted ? `"${token}"` : token);
    copied = end;
  }
  return masked + raw.slice(view.rawIndex(copied));
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const structural = /[\s{}[\],:"]/;

/** A number is quoted whole, whatever of it was found. */
function wholeLiteral(text: string, { start, end }: Place, first: number): { start: number; end: number } {
  let from = start;
  let to = end;
  while (from > first && !structural.test(text.charAt(from - 1))) from--;
  while (to < text.length && !structural.test(text.charAt(to))) to++;
  return { start: from, end: to };
}

const kindOf = new Map(piiKinds.map((kind) => [labels[kind], kind]));

function normaliseAs(label: string, value: string): string {
  const kind = kindOf.get(label);
  return kind === undefined ? value : normaliseValue(kind, value);
}
