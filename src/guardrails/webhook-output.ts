import { GatewayError } from "../core/errors.ts";
import type { TextSlot } from "../core/text.ts";
import type { OutputGuard } from "./guard.ts";

const MOST_HELD = 4_194_304;

/** Holds the texts of one answer back until each is whole and somebody has looked at it. */
export class WebhookOutput implements OutputGuard {
  readonly #look: (slot: TextSlot) => Promise<string>;
  readonly #held = new Map<string, TextSlot>();
  #length = 0;

  /** `look`: gives what may be shown in place of a text, or throws. */
  constructor(look: (slot: TextSlot) => Promise<string>) {
    this.#look = look;
  }

  push(slot: TextSlot): string {
    this.#length += slot.text.length;
    if (this.#length > MOST_HELD)
      throw new GatewayError("denied", "The answer is longer than the guard that looks at it can be shown.");
    const text = (this.#held.get(slot.channel)?.text ?? "") + slot.text;
    this.#held.set(slot.channel, { ...slot, text });
    return "";
  }

  async end(channel: string): Promise<string> {
    const slot = this.#held.get(channel);
    if (slot === undefined || slot.text === "") return "";
    this.#held.delete(channel);
    this.#length -= slot.text.length;
    return this.#look(slot);
  }
}
