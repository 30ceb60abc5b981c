import type { Ledger } from "../budgets/ledger/ledger.ts";
import type { CounterUses } from "../budgets/spend/counter-uses.ts";
import type { SpendBook } from "../budgets/spend/spend.ts";
import type { TokenCounter } from "../budgets/token-count.ts";
import type { ChainAccounts } from "../budgets/chains/chain-accounts.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Pools } from "../inference/pool/pools.ts";
import type { ModelMemory } from "../inference/routing/model-memory.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Journal } from "../observability/journal.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Tracer } from "../observability/traces.ts";
import type { Traffic } from "../observability/traffic.ts";
import type { Store } from "../state/store.ts";
import type { Failover } from "./failover.ts";
import type { InFlight } from "./in-flight.ts";
import type { Pace } from "./pace.ts";
import type { OpenExchanges } from "./open-exchanges.ts";

/** What lives as long as the process, whatever configuration it runs under. */
export interface Foundation {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly journal: Journal;
  readonly traffic: Traffic;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly counter: TokenCounter;
  readonly spend: SpendBook;
  readonly uses: CounterUses;
  readonly chains: ChainAccounts;
  readonly upstream: Upstream;
  readonly pools: Pools;
  /** A loop goes on with its model though the rules have changed. */
  readonly modelMemory: ModelMemory;
  readonly inFlight: InFlight;
  readonly pace: Pace;
  readonly failover: Failover;
  readonly open: OpenExchanges;
  close(): Promise<void>;
}
