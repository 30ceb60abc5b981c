import { z } from "zod";
import { PolicyError } from "../authz/policy-error.ts";
import { createTrial } from "../authz/recorded.ts";
import type { ConsoleReads } from "../console/console.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import { toConnect } from "./console-connect.ts";
import { toModelEntries } from "./console-models.ts";
import type { Epochs } from "./epochs.ts";
import type { Foundation } from "./foundation.ts";

/** What the console's pages read, over the faces of the domains. */
export function createConsoleReads(
  epochs: Epochs,
  { traffic, journal, inFlight, failover, pools, uses, store }: Foundation,
): ConsoleReads {
  return {
    process: randomHex(4),
    traffic,
    journal,
    counterUse: { kept: uses.find, isAlone: !store.durability.sharedAcrossReplicas },
    inFlight: () => inFlight.count,
    budgets: (most) => epochs.current().budgets.list(most),
    policies() {
      const { policyHash, rules } = epochs.current().authz;
      return { mode: rules === undefined ? "open" : "rules", policyHash, rules: rules ?? [] };
    },
    async createTrial(given, signal) {
      try {
        return await createTrial(given, signal);
      } catch (error) {
        if (error instanceof z.ZodError)
          throw new GatewayError("invalid_params", z.prettifyError(error), { cause: error });
        if (error instanceof PolicyError) throw new GatewayError("invalid_params", error.message, { cause: error });
        throw error;
      }
    },
    models: () => ({
      models: toModelEntries(epochs.current().config.models),
      pools: pools.list(),
      upstreams: failover.breakers.list(),
    }),
    connect: () => toConnect(epochs.current()),
  };
}
