import { z } from "zod";
import { secret } from "../../core/units.ts";
import { defineProvider } from "./provider.ts";
import type { ProviderAccess } from "./provider.ts";

const notInThisBuild = (what: string) =>
  z.never({ error: `${what} is not in this build; name one provider for the model` }).optional();

const httpUrl = () =>
  z
    .url({ protocol: /^https?$/, error: "an http or https address such as http://vllm-0:8000/v1" })
    .refine(
      (text) => !/[?#]/.test(text) && new URL(text).username === "",
      "no query, fragment or user in it; the key goes in `key`",
    );

/** The settings of every provider that speaks the OpenAI dialect. `url` is optional where the provider has a usual address. */
export function openaiSettings<Name extends string>(name: Name) {
  return z.strictObject({
    provider: z.literal(name).meta({ description: "Who serves the model.", examples: [name] }),
    model: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({
        description: "The provider's name for the model, where it differs from the name callers use.",
        examples: ["gpt-4o-2024-11-20"],
      }),
    key: secret()
      .meta({
        description: "The provider's API key. The gateway sends it; callers never do.",
        examples: ["${env:OPENAI_API_KEY}"],
      })
      .optional(),
    url: httpUrl()
      .meta({
        description: "Base address, up to but without `/chat/completions`. An address without a path gets `/v1`.",
        examples: ["http://vllm-0:8000"],
      })
      .optional(),
    fallback: notInThisBuild("`fallback`"),
  });
}

/** Base address and bearer key of a server that speaks the OpenAI dialect. */
export function openaiAccess(
  settings: { readonly url?: string | undefined; readonly key?: string | undefined },
  usualUrl: string,
): ProviderAccess {
  const url = new URL(settings.url ?? usualUrl);
  const path = url.pathname.replace(/\/+$/, "");
  return {
    baseUrl: `${url.origin}${path === "" ? "/v1" : path}`,
    headers: settings.key === undefined ? {} : { authorization: `Bearer ${settings.key}` },
    secrets: settings.key === undefined ? [] : [settings.key],
  };
}

const settings = openaiSettings("openai-compatible");

export const openaiCompatible = defineProvider({
  name: "openai-compatible",
  summary: "Any other server with an OpenAI-compatible API; `url` is required.",
  dialect: "openai",
  settings: settings.extend({ url: settings.shape.url.unwrap() }),
  access: (model) => openaiAccess(model, model.url),
});
