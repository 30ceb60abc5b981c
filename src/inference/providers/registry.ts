import { anthropic } from "./anthropic.ts";
import { ollama } from "./ollama.ts";
import { openaiCompatible } from "./openai-compatible.ts";
import { openai } from "./openai.ts";
import { vllm } from "./vllm.ts";

/** Every provider a model can name. */
export const providers = [openai, anthropic, openaiCompatible, vllm, ollama] as const;
