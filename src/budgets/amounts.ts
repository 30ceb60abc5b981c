import type { Price, Usage } from "../core/operation.ts";
import { mostOf } from "../core/price.ts";
import type { Thing } from "./limit.ts";

/** What a call is reckoned to use, at most; or what it did use. */
export interface Use {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Part of the input tokens. */
  readonly cachedInputTokens: number;
  /** Part of the input tokens. */
  readonly cacheWriteTokens: number;
}

export const noUse: Use = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0 };

export const toUse = ({
  inputTokens = 0,
  outputTokens = 0,
  cachedInputTokens = 0,
  cacheWriteTokens = 0,
}: Usage): Use => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  cacheWriteTokens,
});

/** What this use costs, in nano-dollars. */
export function costOf(price: Price, use: Use): number {
  const {
    perInputToken,
    perOutputToken,
    perCachedInputToken = perInputToken,
    perCacheWriteToken = perInputToken,
  } = price;
  const { cachedInputTokens: cached, cacheWriteTokens: written } = use;
  const plain = Math.max(0, use.inputTokens - cached - written);
  return (
    plain * perInputToken +
    cached * perCachedInputToken +
    written * perCacheWriteToken +
    use.outputTokens * perOutputToken +
    (price.perCall ?? 0)
  );
}

/** What to reserve of a thing for so many tokens. Unpriced calls reserve no money: whether they may pass is decided before. */
export function toReserve(thing: Thing, price: Price | undefined, inputTokens: number, outputTokens: number): number {
  if (thing === "tokens") return inputTokens + outputTokens;
  if (thing === "input tokens") return inputTokens;
  if (thing === "output tokens") return outputTokens;
  if (thing === "money") return price === undefined ? 0 : mostOf(price, inputTokens, outputTokens);
  return 1;
}

/** What to book of a thing when the call is over. `used` false: it never reached anybody, or was turned away. */
export function toBook(thing: Thing, use: Use, costNanos: number | undefined): number {
  if (thing === "tokens") return use.inputTokens + use.outputTokens;
  if (thing === "input tokens") return use.inputTokens;
  if (thing === "output tokens") return use.outputTokens;
  if (thing === "money") return costNanos ?? 0;
  return thing === "requests" ? 1 : 0;
}

/** How much of a thing one more output token takes. */
export function perOutputToken(thing: Thing, price: Price | undefined): number {
  if (thing === "tokens" || thing === "output tokens") return 1;
  return thing === "money" ? (price?.perOutputToken ?? 0) : 0;
}
