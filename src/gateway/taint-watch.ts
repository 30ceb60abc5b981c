import { setImmediate } from "node:timers/promises";
import { OVERLAP, piecesOf, type Reading, suspect, type Suspicion } from "../budgets/chains/taint-detector.ts";
import type { AnswerEvent } from "../core/step.ts";
import type { AnswerForm } from "../core/text.ts";

/* A tool that says more than this to a model cannot be read in bearable time: some 0.2 s. */
const LONGEST = 4_194_304;
/* Some 5 ms of work; the event loop gets a turn in between. */
const TURN = 131_072;
const MAX_CHANNELS = 64;

/** Reads what a tool or an agent says, event by event. */
export class TaintWatch {
  readonly #form: AnswerForm;
  readonly #readingsOf: (text: string) => Iterable<Reading>;
  /* The end of each text that comes in pieces. */
  readonly #tails = new Map<string, string>();
  #read = 0;

  constructor(form: AnswerForm, readingsOf: (text: string) => Iterable<Reading>) {
    this.#form = form;
    this.#readingsOf = readingsOf;
  }

  /** What is wrong with this event's texts; the caller's own words, which a history repeats, are not read. */
  async read(event: AnswerEvent): Promise<Suspicion | "length" | undefined> {
    const { slots, ended } = this.#form.read(event);
    for (const { role, text, channel } of slots) {
      if (role !== "tool-output" && role !== "system") continue;
      const found = await this.#readText((this.#tails.get(channel) ?? "") + text);
      if (found !== undefined) return found;
      if (this.#tails.has(channel) || this.#tails.size < MAX_CHANNELS) this.#tails.set(channel, text.slice(-OVERLAP));
    }
    for (const channel of ended) this.#tails.delete(channel);
    return undefined;
  }

  async #readText(text: string): Promise<Suspicion | "length" | undefined> {
    for (const piece of piecesOf(text)) {
      const found = suspect(piece, this.#readingsOf);
      if (found !== undefined) return found;
      this.#read += piece.length;
      if (this.#read > LONGEST) return "length";
      if (this.#read % TURN < piece.length && this.#read > TURN) await setImmediate();
    }
    return undefined;
  }
}
