import type { TextSlot } from "../../core/text.ts";
import type { AnswerMask } from "./answer-mask.ts";
import type { OutputGuard } from "../guard.ts";
import type { Restorer } from "./restorer.ts";

/** Masks, then restores: what was put back is not looked at again. */
export function inTurn(mask: AnswerMask, restorer: Restorer): OutputGuard {
  const latest = new Map<string, TextSlot>();
  return {
    restores: true,
    push(slot) {
      latest.set(slot.channel, slot);
      return restorer.push({ ...slot, text: mask.push(slot) });
    },
    end(channel) {
      const slot = latest.get(channel);
      if (slot === undefined) return "";
      latest.delete(channel);
      return restorer.push({ ...slot, text: mask.end(channel) }) + restorer.end(channel);
    },
  };
}
