import { defineProvider } from "./provider.ts";
import { openaiAccess, openaiSettings } from "./openai-compatible.ts";

export const ollama = defineProvider({
  name: "ollama",
  summary: "Ollama's OpenAI-compatible server; `http://127.0.0.1:11434` unless `url` says otherwise.",
  dialect: "openai",
  settings: openaiSettings("ollama"),
  access: (model) => openaiAccess(model, "http://127.0.0.1:11434"),
});
