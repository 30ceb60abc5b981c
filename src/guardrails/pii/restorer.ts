import type { TextSlot } from "../../core/text.ts";
import type { OutputGuard } from "../guard.ts";
import { matchToken, nextBeginning, type TokenScan } from "./match-token.ts";
import { cutBefore, toJsonEscaped, viewJson, viewPlain } from "./text-view.ts";
import type { Vault } from "./vault.ts";

interface Channel {
  /** What has come and is not shown: the beginning of a token, at most some fifty characters as they are written. */
  held: string;
  /** The last code unit before it. */
  before: number;
  readonly json: boolean;
}

/** Puts the values of one request back into its answer, however their tokens are split. */
export class Restorer implements OutputGuard {
  readonly restores = true;
  readonly #vault: Vault;
  readonly #channels = new Map<string, Channel>();

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  push(slot: TextSlot): string {
    let channel = this.#channels.get(slot.channel);
    if (channel === undefined) {
      channel = { held: "", before: 0, json: slot.json === true };
      this.#channels.set(slot.channel, channel);
    }
    return this.#restore(channel, channel.held + slot.text, false);
  }

  end(name: string): string {
    const channel = this.#channels.get(name);
    if (channel === undefined) return "";
    this.#channels.delete(name);
    return this.#restore(channel, channel.held, true);
  }

  #restore(channel: Channel, raw: string, final: boolean): string {
    const view = channel.json ? viewJson(raw) : viewPlain(raw);
    const { text } = view;
    const scan: TokenScan = { view, before: channel.before, final, vault: this.#vault };
    let shown = "";
    let copied = 0;
    let index = nextBeginning(text, 0);
    while (index < text.length) {
      const match = matchToken(scan, index);
      if (match === "open") break;
      if (match === undefined) {
        index = nextBeginning(text, index + 1);
        continue;
      }
      const { value } = match.masked;
      shown += raw.slice(view.rawIndex(copied), view.rawIndex(index)) + (channel.json ? toJsonEscaped(value) : value);
      copied = match.end;
      index = nextBeginning(text, copied);
    }
    if (final) return shown + raw.slice(view.rawIndex(copied));
    const cut = Math.max(copied, cutBefore(text, index));
    if (cut > 0) channel.before = text.charCodeAt(cut - 1);
    channel.held = raw.slice(view.rawIndex(cut));
    return shown + raw.slice(view.rawIndex(copied), view.rawIndex(cut));
  }
}
