import { apiKey, baseUrl, openaiServer } from "./openai-compatible.ts";
import { defineProvider } from "./provider.ts";

export const openai = defineProvider({
  type: "openai",
  description: "OpenAI; `key` is required.",
  options: { url: baseUrl().default("https://api.openai.com/v1"), key: apiKey() },
  create: ({ url, key }) => ({ ...openaiServer(url, key), maxTokensName: "max_completion_tokens" }),
});
