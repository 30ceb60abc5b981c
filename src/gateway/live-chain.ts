import type { ChainAccount } from "../budgets/chains/chain-account.ts";
import type { Chain } from "../core/chain.ts";
import { GatewayError } from "../core/errors.ts";

const nanosPerDollar = 1e9;

/** The chain of an exchange over its account: what expressions read of it is what is known at that moment. */
export class LiveChain implements Chain {
  readonly depth: number;
  readonly root: string;
  readonly path: readonly string[];
  readonly account: ChainAccount;

  constructor(account: ChainAccount, root: string, depth: number, path: readonly string[]) {
    this.account = account;
    this.root = root;
    this.depth = depth;
    this.path = path;
  }

  get id(): string {
    return this.account.id;
  }

  get alone(): boolean {
    return !this.account.shared;
  }

  get helped(): boolean {
    return this.account.helped;
  }

  get spent(): number {
    return this.account.costNanos / nanosPerDollar;
  }

  get tainted(): boolean {
    return this.account.taintedBy !== undefined;
  }
}

/** The account behind a chain. Steps see chains as the `core` contract; only this gateway makes them. */
export function accountOf(chain: Chain): ChainAccount {
  if (chain instanceof LiveChain) return chain.account;
  throw new GatewayError("internal", "This chain was not begun by the gateway.");
}
