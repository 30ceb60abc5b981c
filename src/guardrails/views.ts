import { compactText } from "./compact-text.ts";
import { decode } from "./decodings.ts";
import { foldText } from "./fold.ts";
import { respellings } from "./respellings.ts";

/** One way to read a text. */
export interface View {
  readonly text: string;
  /** The spaces are gone with what else stood between letters: only a pattern without spaces can match. */
  readonly compact: boolean;
}

/* Base64 in base64 in base64 is as far as models follow. */
const DEEPEST = 3;
/* Of one depth; two are usual where anything is hidden at all. */
const MOST_DECODED = 2;

/**
 * The ways in which a reader, or a model, may take a text: as it is, with lookalikes and what is not seen made plain, decoded where it
 * is encoded, respelled, and pulled together where letters stand apart. The text as it is comes first. Together they are at most some
 * tens of times as long as the text, and for plain text three times.
 */
export function* viewsOf(text: string): Generator<View> {
  // Some tens of texts: most differ from each other at once, and a set would read each of them to its end for a hash.
  const seen: string[] = [];
  let written = new Set([text]);
  for (let depth = 0; depth <= DEEPEST && written.size > 0; depth++) {
    const decoded = new Set<string>();
    for (const each of written)
      for (const read of new Set([each, foldText(each)])) {
        yield* viewOf(read, seen);
        for (const respell of respellings) yield* viewOf(respell(read), seen);
        // What has no width may stand inside of what is encoded, and may be what it is encoded in.
        const plain = decode(read);
        if (plain !== undefined && decoded.size < MOST_DECODED) decoded.add(plain);
      }
    written = decoded;
  }
}

function* viewOf(text: string | undefined, seen: string[]): Generator<View> {
  if (text === undefined || seen.includes(text)) return;
  seen.push(text);
  yield { text, compact: false };
  const compact = compactText(text);
  if (compact !== "") yield { text: compact, compact: true };
}
