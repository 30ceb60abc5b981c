import { z } from "zod";

/** `taint:` in the config file. */
export const taintConfig = {
  taint: z
    .strictObject({
      look: z
        .enum(["auto", "always", "never"])
        .default("auto")
        .meta({
          description:
            "Whether answers of tools and agents are read for words that look like instructions: `auto` when a policy asks for `chain.tainted`.",
          examples: ["auto"],
        }),
      trusted: z
        .array(z.string().min(1))
        .default([])
        .meta({
          description:
            "Whose answers are not read: agents by name, tools as SERVER/TOOL; a `*` at the end stands for anything.",
          examples: [["clock/*", "writer"]],
        }),
    })
    .prefault({})
    .meta({
      description:
        "Marks a chain when a tool or an agent has said what reads like an instruction. A signal, not a boundary.",
      examples: [{ look: "auto", trusted: ["clock/*"] }],
    }),
};

export type TaintConfig = z.output<typeof taintConfig.taint>;
