import { setImmediate } from "node:timers/promises";
import { tenantOf } from "../../core/tenant.ts";
import { z } from "zod";
import {
  defineGuard,
  type Guard,
  type GuardDeps,
  type GuardRequest,
  type OutputGuard,
  pass,
  type Verdict,
} from "../guard.ts";
import { guardedProtocols } from "../guarded-protocols.ts";
import { AnswerMask } from "./answer-mask.ts";
import { createDetect } from "./detect.ts";
import { piiKinds } from "./detector.ts";
import { inTurn } from "./in-turn.ts";
import { type Marked, markSlot, maskMarked } from "./mask-request.ts";
import { Restorer } from "./restorer.ts";
import { createTokenKeys } from "./token-keys.ts";
import { MAX_VALUES, TooManyValues, Vault } from "./vault.ts";

/** After so many characters others get their turn: some 20 ms. */
const TURN_CHARS = 262_144;

const tooMany: Verdict = {
  pass: false,
  guard: "pii",
  message: `Rejected: more than ${MAX_VALUES} personal values in one request.`,
};

export const pii = defineGuard({
  type: "pii",
  description:
    "Replaces personal data and keys with tokens before anything leaves, and puts them back into the answer.",
  options: {
    // A tool or an agent does its work with the value: a mail to `[EMAIL_…]` arrives nowhere.
    on: guardedProtocols(["llm"], "; models alone when absent"),
    mask: z
      .array(z.enum(piiKinds))
      .min(1)
      .meta({ description: "The kinds of values that are masked.", examples: [["email", "phone", "card"]] }),
    input: z
      .enum(["mask", "reject", "pass"])
      .default("mask")
      .meta({
        description:
          "What becomes of values in requests: they are masked, the request is rejected with `message`, or they pass, and `output` alone looks at them.",
        examples: ["reject"],
      }),
    message: z
      .string()
      .min(1)
      .default("Rejected: personal data is not taken here.")
      .meta({ description: "What a rejected caller is told.", examples: ["Please leave out card numbers."] }),
    restore: z
      .boolean()
      .default(false)
      .meta({
        description:
          "Whether answers get the values back in place of their tokens, for the caller who sent them alone.",
        examples: [true],
      }),
    output: z
      .enum(["pass", "mask"])
      .default("pass")
      .meta({
        description:
          "What becomes of values in answers that the caller did not send: `mask` writes the kind in their place.",
        examples: ["mask"],
      }),
  },
  create({ mask, input: onInput, message, restore, output }, { secret }: GuardDeps): Guard {
    const detect = createDetect(mask);
    const keyOf = createTokenKeys(() => secret("pii tokens"));
    const vaults = new WeakMap<GuardRequest, Vault>();
    const noValues = new Vault(Buffer.alloc(0));
    const rejected: Verdict = { pass: false, guard: "pii", message };

    async function input(request: GuardRequest): Promise<Verdict> {
      const marked = new Map<number, Marked>();
      let read = 0;
      for (const [index, slot] of request.slots.entries()) {
        read += slot.text.length;
        if (read > TURN_CHARS) {
          read = slot.text.length;
          await setImmediate();
        }
        const found = markSlot(slot, { detect, restore: restore && onInput === "mask" });
        if (found === undefined) continue;
        if (onInput === "reject") return rejected;
        marked.set(index, found);
      }
      if (marked.size === 0) return pass;
      const vault = new Vault(await keyOf(tenantOf(request, request.operation)));
      vaults.set(request, vault);
      try {
        const texts = new Map([...marked].map(([index, found]) => [index, maskMarked(found, vault)]));
        return { pass: true, texts };
      } catch (thrown) {
        if (thrown instanceof TooManyValues) return tooMany;
        throw thrown;
      }
    }

    function outputOf(request: GuardRequest): OutputGuard | undefined {
      const vault = vaults.get(request);
      const masked = output === "mask" ? new AnswerMask(detect, vault ?? noValues) : undefined;
      const restored = restore && vault !== undefined ? new Restorer(vault) : undefined;
      return masked !== undefined && restored !== undefined ? inTurn(masked, restored) : (masked ?? restored);
    }

    return { ...(onInput !== "pass" && { input }), ...((restore || output === "mask") && { output: outputOf }) };
  },
});
