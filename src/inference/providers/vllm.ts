import { apiKey, baseUrl, openaiServer } from "./openai-compatible.ts";
import { defineProvider } from "./provider.ts";

export const vllm = defineProvider({
  type: "vllm",
  description: "vLLM's OpenAI-compatible server.",
  options: { url: baseUrl().default("http://127.0.0.1:8000"), key: apiKey().optional() },
  create: ({ url, key }) => openaiServer(url, key),
});
