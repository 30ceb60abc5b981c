/* How providers say that a request does not fit into the model. A code where there is one; most have only words. */
const said = [
  // OpenAI, Azure, Together, DeepInfra: error.code
  /"context_length_exceeded"/,
  // llama.cpp server: error.type
  /"exceed_context_size_error"/,
  // OpenAI and vLLM: "This model's maximum context length is 8192 tokens. However, …"
  /maximum context length/i,
  // vLLM: "The decoder prompt (length 5000) is longer than the maximum model length of 4096"
  /longer than the maximum model length/i,
  // OpenAI: "Your input exceeds the context window of this model"
  /exceeds? the (?:model's )?context (?:window|length|size)/i,
  // Anthropic: "prompt is too long: 210000 tokens > 200000 maximum"
  /prompt is too long/i,
  // Anthropic: "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"
  /exceed context limit/i,
  // Google: "The input token count (1200000) exceeds the maximum number of tokens allowed"
  /exceeds the maximum number of tokens/i,
];

/** Whether a provider's 400 says that the request is too long for the model: another one may have a longer context. */
export function isContextTooLong(status: number, text: string): boolean {
  return status === 400 && said.some((pattern) => pattern.test(text));
}
