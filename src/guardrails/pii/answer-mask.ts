import type { TextSlot } from "../../core/text.ts";
import type { OutputGuard } from "../guard.ts";
import { type Detect, normaliseValue } from "./detect.ts";
import { CONTEXT_CHARS } from "./detector.ts";
import { labels } from "./labels.ts";
import { leadOf } from "./lead.ts";
import { cutBefore, QuoteCount, viewJson, viewPlain } from "./text-view.ts";
import type { Vault } from "./vault.ts";

interface Channel {
  /** What has come and is not shown, as it is written. */
  held: string;
  /** The last characters before it: what a value may not follow directly. */
  context: string;
  /** How long `held` grows before it is looked at again. */
  rest: number;
  /** Whether `held` begins inside a JSON string. */
  inString: boolean;
  readonly json: boolean;
}

/** Takes values out of an answer that its caller has not sent: `[EMAIL]` stands in their place, and nothing puts them back. */
export class AnswerMask implements OutputGuard {
  readonly #detect: Detect;
  readonly #vault: Vault;
  readonly #channels = new Map<string, Channel>();

  constructor(detect: Detect, vault: Vault) {
    this.#detect = detect;
    this.#vault = vault;
  }

  push(slot: TextSlot): string {
    let channel = this.#channels.get(slot.channel);
    if (channel === undefined) {
      channel = { held: "", context: leadOf(slot), rest: 0, inString: false, json: slot.json === true };
      this.#channels.set(slot.channel, channel);
    }
    channel.held += slot.text;
    return channel.held.length < channel.rest ? "" : this.#mask(channel, channel.held, false);
  }

  end(name: string): string {
    const channel = this.#channels.get(name);
    if (channel === undefined) return "";
    this.#channels.delete(name);
    return this.#mask(channel, channel.held, true);
  }

  #mask(channel: Channel, raw: string, final: boolean): string {
    const view = channel.json ? viewJson(raw) : viewPlain(raw);
    const { context } = channel;
    const text = context + view.text;
    const { found, decided } = this.#detect(text, context.length, final);
    const quotes = new QuoteCount(view, channel.inString);
    let shown = "";
    let copied = 0;
    for (const { kind, start, end } of found) {
      const label = labels[kind];
      if (this.#vault.has(label, normaliseValue(kind, text.slice(start, end)))) continue;
      const at = start - context.length;
      const mask = channel.json && !quotes.inString(at) ? `"[${label}]"` : `[${label}]`;
      shown += raw.slice(view.rawIndex(copied), view.rawIndex(at)) + mask;
      copied = end - context.length;
    }
    if (final) return shown + raw.slice(view.rawIndex(copied));
    const whole = Math.min(decided, text.length) - context.length;
    const cut = Math.max(copied, cutBefore(view.text, whole));
    channel.inString = quotes.inString(cut);
    channel.context = text.slice(Math.max(0, context.length + cut - CONTEXT_CHARS), context.length + cut);
    channel.held = raw.slice(view.rawIndex(cut));
    /* What is held back of a long key is read again when it has grown by an eighth: at every event, a short one, it would cost a thousand times the text. */
    channel.rest = channel.held.length + (channel.held.length >> 3);
    return shown + raw.slice(view.rawIndex(copied), view.rawIndex(cut));
  }
}
