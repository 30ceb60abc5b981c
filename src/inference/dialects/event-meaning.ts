import type { Fields } from "./fields.ts";

/** What one event of a provider's stream means to the relay. */
export interface EventMeaning {
  /** The last event of a good stream. */
  readonly done?: boolean;
  /** Some answer has its reason for ending. */
  readonly ended?: boolean;
  /** The provider reports an error. */
  readonly error?: boolean;
  /** The provider's own `usage` object; a later one adds to an earlier one. */
  readonly usage?: Fields;
  /** Carries the usage and nothing else: only for those who asked for it. */
  readonly onlyUsage?: boolean;
  /** Not what an SDK of the dialect can read. */
  readonly broken?: boolean;
  /** The parsed value, where it had to be parsed. */
  readonly value?: unknown;
}
