import type { Auth } from "../auth/auth.ts";
import type { Authz } from "../authz/authz.ts";
import type { Budgets } from "../budgets/budgets.ts";
import type { SpendBook } from "../budgets/spend/spend.ts";
import type { ChainAccounts } from "../budgets/chains/chain-accounts.ts";
import type { Runaway } from "../budgets/runaway/runaway.ts";
import type { RunawayConfig } from "../budgets/runaway/runaway-config.ts";
import type { TaintConfig } from "../budgets/chains/taint-config.ts";
import type { Clock } from "../core/clock.ts";
import type { Chains } from "./chains.ts";
import type { ExchangeRecorder } from "./exchange-recorder.ts";
import type { Failover } from "./failover.ts";
import type { InFlight, InFlightLimits } from "./in-flight.ts";
import type { Rate } from "../core/units.ts";
import type { Loops } from "./loops.ts";
import type { Meter } from "../core/meter.ts";
import type { Pace } from "./pace.ts";
import type { OpenExchanges } from "./open-exchanges.ts";
import type { OperationRecorder } from "./operation-recorder.ts";
import type { Handlers } from "./handlers.ts";
import type { Guardrails } from "../guardrails/guardrails.ts";

/** What the steps are built from, once per config epoch. */
export interface Parts {
  readonly limits: InFlightLimits & {
    readonly hops: number;
    readonly loops: "refuse" | "allow";
    readonly rate?: Rate | undefined;
  };
  readonly inFlight: InFlight;
  readonly pace: Pace;
  readonly failover: Failover;
  readonly open: OpenExchanges;
  readonly auth: Auth;
  readonly authz: Authz;
  readonly budgets: Budgets;
  readonly spend: SpendBook;
  readonly chains: Chains;
  readonly accounts: ChainAccounts;
  readonly loops: Loops;
  readonly runaway: Runaway | undefined;
  readonly runawayConfig: RunawayConfig;
  readonly taintConfig: TaintConfig;
  /** Whether an expression asks for `chain.tainted`. */
  readonly readsTaint: boolean;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly handlers: Handlers;
  readonly guardrails: Guardrails;
  readonly recorder: OperationRecorder;
  readonly exchanges: ExchangeRecorder;
}
