import { defineExtension } from "../../core/extension.ts";
import type { DialectName } from "../model-call.ts";

/** Where a provider's server is and what every request to it carries. */
export interface Provider {
  /** The wire format its server speaks. */
  readonly dialect: DialectName;
  /** What every path of the dialect follows; no trailing slash. */
  readonly baseUrl: string;
  /** Lower-case names. The gateway's own credential; the caller never sees it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Secrets that must not appear in anything passed to a caller. */
  readonly secrets: readonly string[];
  /** The `max_tokens` of a translated request without one, where the dialect needs it. */
  readonly maxTokens?: number;
  /** What the OpenAI dialect calls that bound here; `max_tokens` when absent. */
  readonly maxTokensName?: "max_completion_tokens";
}

/** Declares a provider: what a person writes after `provider:`, the options its models take, and how its server is reached. */
export const defineProvider = defineExtension<undefined, Provider>();
