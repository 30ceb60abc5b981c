import type { Clock } from "../core/clock.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Operate, Visible } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Store } from "../state/store.ts";
import type { CardAuthorization } from "./card.ts";
import type { A2aConfig } from "./config.ts";

/** What goes to an agent with its task. */
export interface Handed {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ties the agent's calls to this chain; put into the message's metadata. */
  readonly chainToken: string;
}

/** An agent that calls back through the gateway, as the one it is handed a task. */
export interface HandedAgent {
  readonly name: string;
  /** The OAuth client id it authenticates with. */
  readonly client: string;
}

export interface A2aOptions {
  readonly config: A2aConfig;
  /** The address callers know; cards are written from it alone. */
  readonly publicUrl: URL;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: cards offer HTTP bearer only. */
  readonly authorization?: CardAuthorization;
  /**
   * What an agent that has a `client` is given: the actor token with which it may act for the caller
   * (`x-sallyport-actor-token`), and what ties its calls to this chain.
   */
  readonly onHandoff?: (exchange: Exchange, agent: HandedAgent) => Handed | Promise<Handed>;
}
