import type { z } from "zod";

/** Where a provider's server is and what every request to it carries. */
export interface ProviderAccess {
  /** Ends before `/chat/completions`; no trailing slash. */
  readonly baseUrl: string;
  /** Lower-case names. The gateway's own credential; the caller never sees it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Secrets that must not appear in anything passed to a caller. */
  readonly secrets: readonly string[];
}

/** One provider: what a model that uses it may say in the configuration, and how its server is reached. */
export interface Provider<Name extends string = string, Settings extends z.ZodObject = z.ZodObject> {
  /** What a person writes after `provider:`. */
  readonly name: Name;
  /** One line for the docs. */
  readonly summary: string;
  /** The wire format its server speaks. */
  readonly dialect: "openai";
  /** The model's config branch; `provider` itself is a literal in it. */
  readonly settings: Settings;
  access(settings: z.output<Settings>): ProviderAccess;
}

/** Declares a provider. A new one is a file that calls this and one entry in `registry.ts`. */
export function defineProvider<Name extends string, Settings extends z.ZodObject>(
  provider: Provider<Name, Settings>,
): Provider<Name, Settings> {
  return provider;
}
