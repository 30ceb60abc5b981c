import type { TextSlot } from "../core/text.ts";
import type { OutputGuard } from "./guard.ts";
import { JsonPatternStream, PatternStream, type Rules, tooMuchHeld } from "./pattern-stream.ts";

/* A text that comes in pieces is read in all its views only now and then: what it shows meanwhile has passed as it is written. */
const EVERY = 256;
const WINDOW = 1_024;
/* Of all texts of one answer: whoever answers decides how many it has open. */
const MOST_HELD = 16_777_216;

interface Channel {
  readonly stream: PatternStream | JsonPatternStream;
  /** The end of the text so far. */
  window: string;
  /** How much of it came since it was last read. */
  fresh: number;
}

/** Masks and rejects in one answer. */
export class PatternOutput implements OutputGuard {
  readonly #rules: Rules;
  readonly #isFound: ((text: string) => Promise<boolean>) | undefined;
  readonly #channels = new Map<string, Channel>();
  #held = 0;

  /** `isFound`: whether a text has something to reject in it, in any way to read it; undefined: it is read as it is written alone. */
  constructor(rules: Rules, isFound: ((text: string) => Promise<boolean>) | undefined) {
    this.#rules = rules;
    this.#isFound = isFound;
  }

  push({ channel, text, json }: TextSlot): string | Promise<string> {
    const open = this.#channels.get(channel) ?? this.#open(channel, json === true);
    if (this.#isFound === undefined) return this.#pass(open, text);
    open.window += text;
    open.fresh += text.length;
    if (open.fresh < EVERY) return this.#pass(open, text);
    return this.#read(open, this.#isFound).then(() => this.#pass(open, text));
  }

  #pass({ stream }: Channel, text: string): string {
    this.#held -= stream.held;
    const shown = stream.push(text);
    this.#held += stream.held;
    if (this.#held > MOST_HELD) throw tooMuchHeld();
    return shown;
  }

  end(channel: string): string | Promise<string> {
    const open = this.#channels.get(channel);
    if (open === undefined) return "";
    this.#channels.delete(channel);
    this.#held -= open.stream.held;
    if (this.#isFound === undefined || open.fresh === 0) return open.stream.end();
    return this.#read(open, this.#isFound).then(() => open.stream.end());
  }

  #open(channel: string, json: boolean): Channel {
    const stream = json ? new JsonPatternStream(this.#rules) : new PatternStream(this.#rules, false);
    const open: Channel = { stream, window: "", fresh: 0 };
    this.#channels.set(channel, open);
    return open;
  }

  async #read(open: Channel, isFound: (text: string) => Promise<boolean>): Promise<void> {
    if (await isFound(open.window)) throw this.#rules.rejection();
    open.window = endOf(open.window);
    open.fresh = 0;
  }
}

/* Base64 has three bytes in four letters: what is in it three times over can be read from every 64th letter on. */
const ENCODED_UNIT = 64;
const encoded = /[A-Za-z0-9+/_-]*$/;

/** The end of a text, cut where what is encoded in it can still be read. */
function endOf(text: string): string {
  if (text.length <= WINDOW) return text;
  const cut = text.length - WINDOW;
  const run = encoded.exec(text.slice(0, cut))?.[0].length ?? 0;
  return text.slice(cut - (run % ENCODED_UNIT));
}
