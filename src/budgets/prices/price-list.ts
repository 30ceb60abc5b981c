/** What a provider asks of anyone for a model, in US dollars a million tokens. */
interface ListedPrice {
  readonly input: string;
  readonly output: string;
  readonly cachedInput?: string;
  readonly cacheWrite?: string;
}

interface PriceList {
  /** The value of `provider` in configuration. */
  readonly provider: string;
  /** When the source said so: year and month. */
  readonly asOf: string;
  readonly source: string;
  /** By the provider's own name for the model, without the date of a snapshot. */
  readonly models: Readonly<Record<string, ListedPrice>>;
}

const openai = { provider: "openai", source: "https://developers.openai.com/api/docs/pricing" } as const;
const anthropic = {
  provider: "anthropic",
  source: "https://platform.claude.com/docs/en/about-claude/pricing",
} as const;

/*
 * Standard tier. Cache writes are those for five minutes. Models that are priced by the length of the prompt are not here: one price
 * would be wrong for them, and a model without a price follows `unknownPrice`.
 */
// oxfmt-ignore
export const priceLists: readonly PriceList[] = [
  { ...openai, asOf: "2026-06", models: {
    "gpt-5.5":      { input: "$5",    cachedInput: "$0.50",  output: "$30" },
    "gpt-5.4":      { input: "$2.50", cachedInput: "$0.25",  output: "$15" },
    "gpt-5.4-mini": { input: "$0.75", cachedInput: "$0.075", output: "$4.50" },
    "gpt-5.4-nano": { input: "$0.20", cachedInput: "$0.02",  output: "$1.25" },
  } },
  { ...openai, asOf: "2026-04", models: {
    "gpt-5.1":      { input: "$1.25", cachedInput: "$0.125", output: "$10" },
    "gpt-5":        { input: "$1.25", cachedInput: "$0.125", output: "$10" },
    "gpt-5-mini":   { input: "$0.25", cachedInput: "$0.025", output: "$2" },
    "gpt-5-nano":   { input: "$0.05", cachedInput: "$0.005", output: "$0.40" },
    "gpt-4.1":      { input: "$2",    cachedInput: "$0.50",  output: "$8" },
    "gpt-4.1-mini": { input: "$0.40", cachedInput: "$0.10",  output: "$1.60" },
    "gpt-4.1-nano": { input: "$0.10", cachedInput: "$0.025", output: "$0.40" },
    "gpt-4o":       { input: "$2.50", cachedInput: "$1.25",  output: "$10" },
    "gpt-4o-mini":  { input: "$0.15", cachedInput: "$0.075", output: "$0.60" },
    "o3":           { input: "$2",    cachedInput: "$0.50",  output: "$8" },
    "o4-mini":      { input: "$1.10", cachedInput: "$0.275", output: "$4.40" },
    "text-embedding-3-small": { input: "$0.02", output: "$0" },
    "text-embedding-3-large": { input: "$0.13", output: "$0" },
  } },
  { ...anthropic, asOf: "2026-10", models: {
    "claude-opus-5":     { input: "$5", cachedInput: "$0.50", cacheWrite: "$6.25", output: "$25" },
    "claude-opus-4-8":   { input: "$5", cachedInput: "$0.50", cacheWrite: "$6.25", output: "$25" },
    "claude-opus-4-7":   { input: "$5", cachedInput: "$0.50", cacheWrite: "$6.25", output: "$25" },
    "claude-opus-4-6":   { input: "$5", cachedInput: "$0.50", cacheWrite: "$6.25", output: "$25" },
    "claude-opus-4-5":   { input: "$5", cachedInput: "$0.50", cacheWrite: "$6.25", output: "$25" },
    "claude-sonnet-4-6": { input: "$3", cachedInput: "$0.30", cacheWrite: "$3.75", output: "$15" },
    "claude-sonnet-4-5": { input: "$3", cachedInput: "$0.30", cacheWrite: "$3.75", output: "$15" },
    "claude-haiku-4-5":  { input: "$1", cachedInput: "$0.10", cacheWrite: "$1.25", output: "$5" },
  } },
];
