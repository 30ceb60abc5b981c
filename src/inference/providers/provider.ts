import { defineExtension } from "../../core/extension.ts";

/** Where a provider's server is and what every request to it carries. */
export interface Provider {
  /** The wire format its server speaks. */
  readonly dialect: "openai";
  /** Ends before `/chat/completions`; no trailing slash. */
  readonly baseUrl: string;
  /** Lower-case names. The gateway's own credential; the caller never sees it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Secrets that must not appear in anything passed to a caller. */
  readonly secrets: readonly string[];
}

/** Declares a provider: what a person writes after `provider:`, the options its models take, and how its server is reached. */
export const defineProvider = defineExtension<undefined, Provider>();
