import { z } from "zod";
import { GatewayError } from "../core/errors.ts";
import type { TextSlot } from "../core/text.ts";
import { gatherTexts } from "./gathered-texts.ts";
import { defineGuard, pass, type Verdict } from "./guard.ts";
import { PatternOutput } from "./pattern-output.ts";
import { JsonPatternStream, PatternStream, type Rule, type Rules } from "./pattern-stream.ts";
import { compilePattern, findsIn, maskSchema, patternSchema } from "./pattern-syntax.ts";

export const pattern = defineGuard({
  type: "pattern",
  description: "Rejects texts in which a pattern is found, and masks what other patterns find.",
  options: {
    reject: z
      .array(patternSchema)
      .default([])
      .meta({
        description:
          "Texts (one space stands for any white space), `/expressions/` or `{text | regex, caseSensitive, buffer}` that reject what they are found in.",
        examples: [["ignore previous instructions", "/\\bsystem prompt\\b/"]],
      }),
    mask: z
      .array(maskSchema)
      .default([])
      .meta({
        description:
          "The same, but what they find is replaced. An expression needs a longest match, or `buffer: true`.",
        examples: [["project nightingale", "/\\bEMP-\\d{6}\\b/"]],
      }),
    with: z
      .string()
      .default("[masked]")
      .meta({ description: "What stands in place of what was masked.", examples: ["***"] }),
    message: z
      .string()
      .min(1)
      .default("Rejected: Security policy violation.")
      .meta({ description: "What the caller is told.", examples: ["Rejected: Security policy violation."] }),
    direction: z
      .enum(["input", "output", "both"])
      .default("input")
      .meta({ description: "Whether it looks at requests, at answers or at both.", examples: ["both"] }),
    views: z.boolean().default(true).meta({
      description:
        "Whether `reject` also looks at texts as a model may read them: decoded, respelled, without what is not seen.",
    }),
  },
  create({ reject, mask, with: instead, message, direction, views }) {
    const rejecting = reject.map(compilePattern);
    const masking = mask.map(compilePattern);
    const rejected: Verdict = { pass: false, guard: "pattern", message };
    const rejection = () => new GatewayError("denied", message);
    const isFound = (text: string) => findsIn(rejecting, text, views);
    const masked = (shown: string): readonly Rule[] => masking.map((each) => ({ ...each, instead: shown }));
    const refused: readonly Rule[] = rejecting.map((each) => ({ ...each, instead: undefined }));
    // In JSON only the inside of a string is replaced.
    const escaped = JSON.stringify(instead).slice(1, -1);
    const onInput = { plain: masked(instead), json: masked(escaped), rejection };
    const onOutput = {
      plain: [...refused, ...masked(instead)],
      json: [...refused, ...masked(escaped)],
      rejection,
    };
    return {
      ...(direction !== "output" && {
        async input({ slots }) {
          if (rejecting.length > 0) for (const text of gatherTexts(slots)) if (await isFound(text)) return rejected;
          return masking.length === 0 ? pass : maskSlots(slots, onInput);
        },
      }),
      ...(direction !== "input" &&
        onOutput.plain.length > 0 && {
          output: () => new PatternOutput(onOutput, rejecting.length > 0 && views ? isFound : undefined),
        }),
    };
  },
});

function maskSlots(slots: readonly TextSlot[], rules: Rules): Verdict {
  const texts = new Map<number, string>();
  for (const [index, { text, json }] of slots.entries()) {
    const stream = json === true ? new JsonPatternStream(rules) : new PatternStream(rules, false);
    const masked = stream.whole(text);
    if (masked !== text) texts.set(index, masked);
  }
  return { pass: true, texts };
}
