import { defineProvider } from "./provider.ts";
import { openaiAccess, openaiSettings } from "./openai-compatible.ts";

const settings = openaiSettings("openai");

export const openai = defineProvider({
  name: "openai",
  summary: "OpenAI at https://api.openai.com/v1; `key` is required.",
  dialect: "openai",
  settings: settings.extend({ key: settings.shape.key.unwrap() }),
  access: (model) => openaiAccess(model, "https://api.openai.com/v1"),
});
