import { resolve } from "node:path";
import { openLedger } from "../budgets/ledger/open-ledger.ts";
import { createCounterUses } from "../budgets/spend/counter-uses.ts";
import { createSpendBook } from "../budgets/spend/spend.ts";
import { createTokenCounter } from "../budgets/token-count.ts";
import { createChainAccounts } from "../budgets/chains/chain-accounts.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import { createUpstream } from "../http/undici-upstream.ts";
import { createPools } from "../inference/pool/pools.ts";
import { createModelMemory } from "../inference/routing/model-memory.ts";
import { createJournal } from "../observability/journal.ts";
import { createLog } from "../observability/log.ts";
import { createMetrics, type Metrics } from "../observability/metrics.ts";
import { createTracer } from "../observability/traces.ts";
import { createTraffic } from "../observability/traffic.ts";
import { openStore } from "../state/state.ts";
import { epochOf, type GatewayExchange } from "./gateway-exchange.ts";
import type { Foundation } from "./foundation.ts";
import { createFailover } from "./failover.ts";
import { createInFlight } from "./in-flight.ts";
import { createPace } from "./pace.ts";
import { createRetryBudget } from "./retry-budget.ts";
import { createOpenExchanges } from "./open-exchanges.ts";

/** Opens what the process keeps; when one part fails to open, those before it are closed again. */
export async function openFoundation(config: Config, metrics = createMetrics()): Promise<Foundation> {
  const opened: Opened[] = [];
  try {
    return await openParts(config, metrics, (part) => {
      opened.push(part);
      return part;
    });
  } catch (error) {
    // A connection that stays would keep a process alive that cannot start. That one does not close says less than why.
    for (const part of opened.toReversed()) await part.close().catch(() => undefined);
    throw error;
  }
}

/** A part that was opened before another failed to. */
export interface Opened {
  close(): Promise<void>;
}

async function openParts(
  config: Config,
  metrics: Metrics,
  keep: <T extends Opened>(part: T) => T,
): Promise<Foundation> {
  const clock = systemClock;
  const log = keep(createLog(config.observability.log));
  const { meter } = metrics;
  const state = stateOf(config);
  const store = keep(await openStore(state, { clock, log }));
  const tailFile = state.kind === "sqlite" ? `${state.file}-ledger` : undefined;
  const ledger = keep(await openLedger({ store, clock, log, meter, tailFile }));
  const counter = keep(createTokenCounter());
  const spend = keep(createSpendBook({ store, clock, log, meter }));
  const chains = keep(await createChainAccounts({ store, log, meter }));
  const upstream = keep(createUpstream({ egress: config.egress }));
  const journal = keep(createJournal(config.observability.journal, { store, clock, log, meter }));
  const tracer = await createTracer(config.observability.traces, { log, meter });
  const open = createOpenExchanges(clock, recheck);
  return {
    clock,
    log,
    meter,
    metrics,
    tracer,
    journal,
    traffic: createTraffic(clock),
    store,
    ledger,
    counter,
    spend,
    uses: createCounterUses(clock),
    chains,
    upstream,
    pools: createPools({
      upstream,
      clock,
      log: log.child({ protocol: "llm" }),
      meter,
      retries: createRetryBudget(clock),
    }),
    modelMemory: createModelMemory({ store, log: log.child({ protocol: "llm" }) }),
    open,
    inFlight: createInFlight(),
    pace: createPace(clock),
    failover: createFailover({ clock, meter }),
    async close() {
      open.close();
      await ledger.close();
      await counter.close();
      await spend.close();
      await upstream.close();
      await journal.close();
      await chains.close();
      await tracer.close();
      await store.close();
      metrics.close();
      await log.close();
    },
  };
}

/** Shows the credential of an open exchange again. */
function recheck(exchange: GatewayExchange): unknown {
  return epochOf(exchange).auth.authenticate(exchange.request, exchange.route);
}

/** A state file lies where the configuration says, seen from the configuration's own folder. */
function stateOf({ state, baseDir }: Config): Config["state"] {
  return state.kind === "sqlite" ? { ...state, file: resolve(baseDir, state.file) } : state;
}
