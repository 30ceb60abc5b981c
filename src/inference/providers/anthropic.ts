import { z } from "zod";
import { defineProvider } from "./provider.ts";
import { apiKey, baseUrl, toBaseUrl } from "./openai-compatible.ts";

export const anthropic = defineProvider({
  type: "anthropic",
  description: "Anthropic, or a server with its Messages API; `key` is required.",
  options: {
    url: baseUrl().default("https://api.anthropic.com"),
    key: apiKey(),
    beta: z
      .array(z.string().regex(/^[\w.-]+$/, "a beta is one word, such as files-api-2025-04-14"))
      .max(32)
      .optional()
      .meta({
        description: "Betas that every request names in `anthropic-beta`, together with those its caller names.",
        examples: [["context-1m-2025-08-07"]],
      }),
    version: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}$/, "a version is a date, such as 2023-06-01")
      // The newer one, 2026-10-21, refuses temperature and top_p, which other dialects have.
      .default("2023-06-01")
      .meta({
        description: "The `anthropic-version` of a request whose caller names none.",
        examples: ["2026-10-21"],
      }),
    maxTokens: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(8_192)
      .meta({
        description:
          "The `max_tokens` of a request that came in another dialect without one, with a budget or without: this provider takes none without.",
        examples: [32_000],
      }),
  },
  create: ({ url, key, version, beta, maxTokens }) => ({
    dialect: "anthropic",
    baseUrl: toBaseUrl(url),
    headers: {
      "x-api-key": key,
      "anthropic-version": version,
      ...(beta === undefined ? {} : { "anthropic-beta": beta.join(",") }),
    },
    secrets: [key],
    maxTokens,
  }),
});
