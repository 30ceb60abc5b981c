import type { TextSlot } from "../core/text.ts";
import type { OutputGuard } from "./guard.ts";

/** All guards over one answer as one: what the first lets through is what the second is given. */
export interface AnswerWatch {
  /** The next piece of a channel's text: what may be shown now. */
  push(slot: TextSlot): Promise<string>;
  /** A channel's text is over: what was held back of it. */
  end(channel: string): Promise<string>;
}

/** Lines the guards up, those that restore nearest to the caller: nothing that was put back is looked at again, or taken for a leak. */
export function createAnswerWatch(guards: readonly OutputGuard[]): AnswerWatch | undefined {
  if (guards.length === 0) return undefined;
  const line = [
    ...guards.filter(({ restores }) => restores !== true),
    // The last to take something out is the first to put it back.
    ...guards.filter(({ restores }) => restores).toReversed(),
  ];
  /* What is held back by one guard goes through those after it as a piece of the same channel. */
  const latest = new Map<string, TextSlot>();

  async function pushFrom(first: number, slot: TextSlot): Promise<string> {
    let { text } = slot;
    for (let index = first; index < line.length && text !== ""; index++)
      text = (await line[index]?.push(text === slot.text ? slot : { ...slot, text })) ?? "";
    return text;
  }

  return {
    push(slot) {
      latest.set(slot.channel, slot);
      return pushFrom(0, slot);
    },
    async end(channel) {
      const slot = latest.get(channel);
      if (slot === undefined) return "";
      latest.delete(channel);
      let shown = "";
      for (const [index, guard] of line.entries()) {
        const held = await guard.end(channel);
        if (held !== "") shown += await pushFrom(index + 1, { ...slot, text: held });
      }
      return shown;
    },
  };
}
