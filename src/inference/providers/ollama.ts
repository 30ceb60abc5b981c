import { apiKey, baseUrl, openaiServer } from "./openai-compatible.ts";
import { defineProvider } from "./provider.ts";

export const ollama = defineProvider({
  type: "ollama",
  description: "Ollama's OpenAI-compatible server.",
  options: { url: baseUrl().default("http://127.0.0.1:11434"), key: apiKey().optional() },
  create: ({ url, key }) => openaiServer(url, key),
});
