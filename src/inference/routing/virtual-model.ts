import type { Price } from "../../core/operation.ts";
import type { Meanings } from "../../cel/vet.ts";
import type { Model } from "../catalog.ts";
import type { InferenceConfig } from "../config.ts";
import { type ChoiceRule, compileChoice } from "./choice.ts";
import { toMeanings } from "./meaning/meaning-config.ts";
import { isVirtual, type VirtualConfig } from "./virtual-config.ts";

/** A choice between models, as callers know it. */
export interface VirtualModel {
  readonly name: string;
  /** Stands where models have their provider, in policy and the journal. */
  readonly provider: "sallyport";
  readonly rules: readonly ChoiceRule[];
  readonly otherwise: Model;
  readonly shadow: boolean;
  /** Whether some rule needs something to be found out first. */
  readonly asks: boolean;
  /** All it may choose, by name. */
  readonly choices: ReadonlyMap<string, Model>;
  /** What a call costs at most, whatever is chosen; absent where one of the choices has no price. */
  readonly price?: Price;
}

/** Every configured choice, by the name callers use. That names and expressions are right was checked when the configuration was loaded. */
export function createVirtualModels(
  { models = {}, routing }: InferenceConfig,
  catalog: ReadonlyMap<string, Model>,
): ReadonlyMap<string, VirtualModel> {
  const meanings = toMeanings(routing);
  const found = Object.entries(models).flatMap(([name, entry]) =>
    isVirtual(entry) ? [[name, toVirtual(name, entry, catalog, meanings)] as const] : [],
  );
  return new Map(found);
}

function toVirtual(
  name: string,
  config: VirtualConfig,
  catalog: ReadonlyMap<string, Model>,
  meanings: Meanings,
): VirtualModel {
  const modelOf = (used: string) => catalog.get(used) as Model;
  const otherwise = modelOf(config.otherwise);
  const choices = [...config.choose.map(({ use }) => modelOf(use)), otherwise];
  const rules = config.choose.map(({ when, use }) => ({ when: compileChoice(when, meanings), use }));
  const price = toDearest(choices.map((model) => model.price));
  return {
    name,
    provider: "sallyport",
    rules,
    asks: rules.some(({ when }) => when.asks.length > 0),
    otherwise,
    shadow: config.mode === "shadow",
    choices: new Map(choices.map((model) => [model.name, model])),
    ...(price !== undefined && { price }),
  };
}

/* The dearest of each kind of token: no choice costs more. */
function toDearest(prices: readonly (Price | undefined)[]): Price | undefined {
  const known = prices.filter((price) => price !== undefined);
  if (known.length < prices.length) return undefined;
  const most = (read: (price: Price) => number) => Math.max(...known.map(read));
  return {
    perInputToken: most((price) => price.perInputToken),
    perOutputToken: most((price) => price.perOutputToken),
    perCachedInputToken: most((price) => price.perCachedInputToken ?? price.perInputToken),
    perCacheWriteToken: most((price) => price.perCacheWriteToken ?? price.perInputToken),
  };
}
