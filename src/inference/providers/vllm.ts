import { defineProvider } from "./provider.ts";
import { openaiAccess, openaiSettings } from "./openai-compatible.ts";

export const vllm = defineProvider({
  name: "vllm",
  summary: "vLLM's OpenAI-compatible server; `http://127.0.0.1:8000` unless `url` says otherwise.",
  dialect: "openai",
  settings: openaiSettings("vllm"),
  access: (model) => openaiAccess(model, "http://127.0.0.1:8000"),
});
