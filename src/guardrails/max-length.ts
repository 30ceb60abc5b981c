import { z } from "zod";
import { defineGuard, pass, type Verdict } from "./guard.ts";

export const maxLength = defineGuard({
  type: "max-length",
  description: "Rejects an operation whose texts are longer than `max` characters together.",
  options: {
    max: z
      .int()
      .positive()
      .meta({ description: "Characters (UTF-16 code units) allowed in all texts together.", examples: [20_000] }),
    message: z
      .string()
      .min(1)
      .default("Rejected: the text is too long.")
      .meta({ description: "What the caller is told.", examples: ["Please keep it under 20,000 characters."] }),
  },
  create({ max, message }) {
    const rejected: Verdict = { pass: false, guard: "max-length", message };
    return {
      input({ slots }) {
        let length = 0;
        for (const { text } of slots) length += text.length;
        return length > max ? rejected : pass;
      },
    };
  },
});
