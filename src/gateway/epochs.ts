import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/errors.ts";
import type { ProtocolHandler } from "../core/step.ts";
import { createEpoch, type Epoch, type EpochAccess } from "./epoch.ts";
import type { EpochUse } from "./dispatch.ts";
import type { Foundation } from "./foundation.ts";
import { epochOf } from "./gateway-exchange.ts";

/* What is bound or opened once, at start; the listener checks Host and Origin against the public address. */
const fixedKeys = [
  "publicUrl",
  "listen",
  "state",
  "observability",
  "limits",
  "egress",
  "drain",
] as const satisfies readonly (keyof Config)[];

/** The epochs of one process: the current one, and former ones until their last exchange has ended. */
export interface Epochs extends EpochUse {
  /** Builds the next epoch completely, then swaps. Rejects with the reason and keeps the current one. */
  reload(config: Config): Promise<void>;
  /** Ends what would keep the gateway from coming to rest: streams that stand until their client goes. */
  endStanding(): void;
  close(): Promise<void>;
}

export async function createEpochs(config: Config, foundation: Foundation): Promise<Epochs> {
  const users = new Map<Epoch, number>();
  let current: Epoch | undefined;
  const now = (): Epoch => {
    if (current === undefined) throw new GatewayError("overloaded", "The gateway is starting.");
    return current;
  };
  const access: EpochAccess = {
    operate: (exchange, ...rest) => epochOf(exchange).journeys[exchange.route.protocol].operate(exchange, ...rest),
    visible: (exchange, operation) => epochOf(exchange).authz.visible(exchange, operation),
    policyHash: (exchange) => epochOf(exchange).authz.policyHash,
    latest: (draft) => current ?? draft,
  };
  const isUsed = (epoch: Epoch): boolean => epoch === current || (users.get(epoch) ?? 0) > 0;
  const retire = async (former: Epoch): Promise<void> => {
    if (isUsed(former)) return;
    users.delete(former);
    await closeParts(former, [now(), ...[...users.keys()].filter(isUsed)]);
  };
  current = await createEpoch(config, foundation, access);
  return {
    current: now,
    enter: (epoch) => void users.set(epoch, (users.get(epoch) ?? 0) + 1),
    leave(epoch) {
      users.set(epoch, (users.get(epoch) ?? 1) - 1);
      if (epoch !== current)
        retire(epoch).catch((error: unknown) =>
          foundation.log.error({ error }, "a former configuration did not close"),
        );
    },
    async reload(next) {
      const former = now();
      const fixed = fixedKeys.filter((key) => !isDeepStrictEqual(former.config[key], next[key]));
      if (fixed.length > 0) {
        throw new GatewayError("unsupported", `${fixed.join(", ")}: changes here need a restart; nothing was changed.`);
      }
      current = await createEpoch(next, foundation, access, former);
      /* They would keep the former handlers, and announce what these still offer. */
      for (const epoch of users.keys()) endStanding(epoch, [current]);
      await retire(former);
    },
    endStanding() {
      for (const epoch of users.keys()) endStanding(epoch, []);
    },
    async close() {
      const all = [...new Set([...users.keys(), now()])];
      for (const [index, epoch] of all.entries()) await closeParts(epoch, all.slice(index + 1));
    },
  };
}

function endStanding(epoch: Epoch, others: readonly Epoch[]): void {
  for (const handler of ownHandlers(epoch, others)) handler.endStanding?.();
}

/** The handlers an epoch does not share with others that are in use: an exchange may still run in them. */
function ownHandlers(epoch: Epoch, others: readonly Epoch[]): readonly ProtocolHandler[] {
  const shared = new Set(others.flatMap(({ handlers }) => Object.values(handlers)));
  return Object.values(epoch.handlers).filter((handler) => !shared.has(handler));
}

async function closeParts(epoch: Epoch, others: readonly Epoch[]): Promise<void> {
  for (const handler of ownHandlers(epoch, others)) await handler.close();
  if (!others.some(({ auth }) => auth === epoch.auth)) await epoch.auth.close();
  if (!others.some(({ cache }) => cache === epoch.cache)) await epoch.cache?.close();
}
