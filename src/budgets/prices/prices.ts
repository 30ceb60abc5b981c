import { z } from "zod";
import type { Price } from "../../core/operation.ts";
import { parseDollars } from "../money.ts";
import { priceLists } from "./price-list.ts";

const TOKENS_A_PRICE_IS_FOR = 1_000_000;

/* A bare number could be dollars or cents, for a token or for a million of them: whoever means dollars says so. */
function howToWrite(given: unknown): string {
  const dollars = `$${String(given).replace(/^\$/, "").replace(/^\./, "0.")}`;
  return parseDollars(dollars) === undefined
    ? 'an amount of dollars such as "$0.01" or "$2.50", with at most nine digits behind the point'
    : `dollars are written with their sign: write "${dollars}"`;
}

/** An amount of dollars → nano-dollars. */
const dollars = () =>
  z
    .string({ error: ({ input }) => (typeof input === "number" ? howToWrite(input) : undefined) })
    .transform((text, context) => {
      const nanos = parseDollars(text);
      if (nanos !== undefined) return nanos;
      context.addIssue({ code: "custom", message: howToWrite(text) });
      return z.NEVER;
    });

const perMillion = (what: string, example: string) =>
  dollars().meta({ description: `US dollars for a million ${what}.`, examples: [example] });

const shape = 'dollars for a million tokens each way: write { input: "$2.50", output: "$10" }';

/** `price` of a model in configuration. */
export const statedPrice = z
  .strictObject(
    {
      input: perMillion("input tokens", "$2.50"),
      output: perMillion("output tokens", "$10"),
      cachedInput: perMillion(
        "input tokens that the provider had cached; as `input` when left out",
        "$1.25",
      ).optional(),
      cacheWrite: perMillion("input tokens that the provider caches; as `input` when left out", "$3.75").optional(),
    },
    { error: ({ code }) => (code === "invalid_type" ? shape : undefined) },
  )
  .transform(({ input, output, cachedInput, cacheWrite }): Price => toPrice(input, output, cachedInput, cacheWrite));

/* Rounded up: a fraction of a nano-dollar a token is never given away. */
const perToken = (nanos: number): number => Math.ceil(nanos / TOKENS_A_PRICE_IS_FOR);

function toPrice(input: number, output: number, cached: number | undefined, written: number | undefined): Price {
  return {
    perInputToken: perToken(input),
    perOutputToken: perToken(output),
    ...(cached !== undefined && { perCachedInputToken: perToken(cached) }),
    ...(written !== undefined && { perCacheWriteToken: perToken(written) }),
  };
}

const listed: ReadonlyMap<string, Price> = new Map(
  priceLists.flatMap(({ provider, models }) =>
    Object.entries(models).map(([model, { input, output, cachedInput, cacheWrite }]): [string, Price] => {
      const nanos = (text = input): number => parseDollars(text) ?? Number.NaN;
      return [`${provider}/${model}`, toPrice(nanos(), nanos(output), nanos(cachedInput), nanos(cacheWrite))];
    }),
  ),
);

/* `gpt-4o-2024-11-20` and `claude-opus-4-5-20251101` cost what the model costs of which they are a snapshot. */
const snapshot = /-(?:\d{4}-\d{2}-\d{2}|\d{8})$/;

/** What the provider's own price list says; undefined where it names no such model. */
export const listedPrice = (provider: string, model: string): Price | undefined =>
  listed.get(`${provider}/${model.replace(snapshot, "")}`);

/** What a call of a tool or an agent costs, in configuration. */
export const callPrice = () =>
  dollars().transform((perCall): Price => ({ perInputToken: 0, perOutputToken: 0, perCall }));
