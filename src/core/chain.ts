/** All operations that one root request set off, across handoffs. */
export interface Chain {
  /** The trace id of the root request, lower-case hex. */
  readonly id: string;
  /** Handoffs between the root and this exchange: 0 at the root. */
  readonly depth: number;
  /** The principal id of whoever made the root request. */
  readonly root: string;
  /** Names of the agents this chain passed through, oldest first. */
  readonly path: readonly string[];
  /** Whether it is known to this request alone, which has not been handed on. */
  readonly alone: boolean;
  /** Whether the gateway has made calls of its own for it, which cost too. */
  readonly helped?: boolean;
  /** What it has cost so far, in dollars, for expressions: last known here. Accounts are kept in whole nano-dollars. */
  readonly spent: number;
  /** Whether words from outside that read like an instruction have entered it: last known here. A signal, not a boundary. */
  readonly tainted: boolean;
}
