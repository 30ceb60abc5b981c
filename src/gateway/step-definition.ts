import type { Protocol } from "../core/operation.ts";
import type { Outcome } from "../core/step.ts";
import type { GatewayStep } from "./compose.ts";
import type { GatewayExchange } from "./gateway-exchange.ts";
import type { Parts } from "./parts.ts";

/** A step around the whole exchange. `end` runs exactly once when `enter` was called. */
export interface ExchangeStep {
  readonly name: string;
  enter(exchange: GatewayExchange): void | Promise<void>;
  end?(exchange: GatewayExchange, outcome: Outcome): void;
}

/** A row of the table: built once per config epoch and protocol from the parts of the gateway. */
export type StepDefinition =
  | { readonly name: string; readonly per: "exchange"; create(parts: Parts): ExchangeStep }
  | {
      readonly name: string;
      readonly per: "operation" | "candidate";
      create(parts: Parts, protocol: Protocol): GatewayStep;
    };
