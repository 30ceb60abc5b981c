import type { Price } from "./operation.ts";

/** The most these tokens can cost, in nano-dollars: whether the provider has cached them or caches them now is not known before. */
export function mostOf(price: Price, inputTokens: number, outputTokens: number): number {
  const dearest = Math.max(price.perInputToken, price.perCacheWriteToken ?? 0, price.perCachedInputToken ?? 0);
  return inputTokens * dearest + outputTokens * price.perOutputToken + (price.perCall ?? 0);
}
