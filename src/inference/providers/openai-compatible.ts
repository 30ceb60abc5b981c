import { z } from "zod";
import { headerSecret } from "../../core/header-words.ts";
import { defineProvider } from "./provider.ts";
import type { Provider } from "./provider.ts";

export const apiKey = () =>
  headerSecret().meta({
    description: "The provider's API key. The gateway sends it; callers never do.",
    examples: ["${env:OPENAI_API_KEY}"],
  });

export const baseUrl = () =>
  z
    .url({ protocol: /^https?$/, error: "an http or https address such as http://vllm-0:8000/v1", abort: true })
    .refine(
      (text) => !/[?#]/.test(text) && URL.canParse(text) && new URL(text).username === "",
      "no query, fragment or user in it; the key goes in `key`",
    )
    .meta({
      description:
        "Base address, up to but without `/chat/completions` or `/messages`. An address without a path gets `/v1`.",
      examples: ["http://vllm-0:8000"],
    });

/** The address that paths are appended to: without a trailing slash, and `/v1` where it has no path. */
export function toBaseUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, "");
  return `${origin}${path === "" ? "/v1" : path}`;
}

/** A server that speaks the OpenAI dialect at `url`, with a bearer key where there is one. */
export function openaiServer(url: string, key: string | undefined): Provider {
  return {
    dialect: "openai",
    baseUrl: toBaseUrl(url),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    secrets: key === undefined ? [] : [key],
  };
}

export const openaiCompatible = defineProvider({
  type: "openai-compatible",
  description: "Any other server with an OpenAI-compatible API; `url` is required.",
  options: { url: baseUrl(), key: apiKey().optional() },
  create: ({ url, key }) => openaiServer(url, key),
});
