import type { Demand, LlmVariables, Price } from "../core/operation.ts";
import { mostOf } from "../core/price.ts";
import { isFields } from "./dialects/fields.ts";
import type { Endpoint, ModelCall } from "./model-call.ts";

/* Providers reckon an image by its size in pixels, at most about 5,000 tokens (Anthropic, high resolution), not by its bytes. */
const IMAGE_TOKENS = 8_192;
/* What providers put in front of a request with tools: 300 to 800 tokens (Anthropic, "Tool use", pricing). */
const TOOLS_TOKENS = 1_024;
const BYTES_PER_TOKEN = 4;
/** What a photograph of a megapixel takes (Anthropic, "Vision"). */
export const USUAL_IMAGE_TOKENS = 1_600;

/** What a call is expected to take; undefined for one that uses no tokens. */
export function toDemand({ kind }: Endpoint, call: ModelCall, bodyBytes: number): Demand | undefined {
  if (kind === "count") return undefined;
  const images = findImages(call.messages);
  const inputBytes =
    bodyBytes - images.inlineBytes + images.count * IMAGE_TOKENS + (call.tools.length > 0 ? TOOLS_TOKENS : 0);
  return { inputBytes, maxOutputTokens: call.maxOutputTokens };
}

const NANOS_PER_DOLLAR = 1e9;

/** What policy may know of it: bounds, since what is really used is known when it is over. A call that uses no tokens costs nothing. */
export function toBounds(
  { inputBytes: input, maxOutputTokens: output }: Demand = { inputBytes: 0, maxOutputTokens: 0 },
  price: Price | undefined,
): Pick<LlmVariables, "tokens" | "cost"> {
  const nanos =
    input === 0 && output === 0
      ? 0
      : price === undefined || output === undefined
        ? undefined
        : mostOf(price, input, output);
  return { tokens: { input, output }, cost: nanos === undefined ? undefined : nanos / NANOS_PER_DOLLAR };
}

/** About how many tokens a request has, without counting: a quarter of its bytes. */
export function estimateTokens(call: ModelCall, bodyBytes: number): number {
  const images = findImages(call.messages);
  return Math.ceil((bodyBytes - images.inlineBytes) / BYTES_PER_TOKEN) + images.count * USUAL_IMAGE_TOKENS;
}

/** Counts the tokens of a text; undefined where that would take too long. */
export type CountTokens = (text: string) => Promise<number | undefined>;

/**
 * The same with what a tokenizer says of the request's text, which is not that of every model. Its JSON stands for what providers put
 * around messages.
 */
export async function countRequest(call: ModelCall, body: Buffer, count: CountTokens): Promise<number> {
  const images = findImages(call.messages);
  const tokens = images.inlineBytes === 0 ? await count(body.toString("utf8")) : undefined;
  return tokens === undefined ? estimateTokens(call, body.length) : tokens + images.count * USUAL_IMAGE_TOKENS;
}

interface Images {
  count: number;
  /** Bytes of the body that are images in base64. */
  inlineBytes: number;
}

function findImages(messages: readonly unknown[]): Readonly<Images> {
  const images: Images = { count: 0, inlineBytes: 0 };
  for (const message of messages) if (isFields(message)) countImages(message["content"], images);
  return images;
}

/* The results of tools hold images too, one level below. */
function countImages(content: unknown, images: Images): void {
  if (!Array.isArray(content)) return;
  for (const part of content as readonly unknown[]) {
    if (!isFields(part)) continue;
    if (part["type"] === "tool_result") countImages(part["content"], images);
    const holder =
      part["type"] === "image_url" ? part["image_url"] : part["type"] === "image" ? part["source"] : undefined;
    if (!isFields(holder)) continue;
    images.count++;
    const inline = holder["data"] ?? holder["url"];
    if (typeof inline === "string" && (holder["url"] === undefined || inline.startsWith("data:")))
      images.inlineBytes += inline.length;
  }
}
