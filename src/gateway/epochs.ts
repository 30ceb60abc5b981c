import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/errors.ts";
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
    latest: (draft) => current ?? draft,
  };
  const retire = async (former: Epoch): Promise<void> => {
    if (former === current || (users.get(former) ?? 0) > 0) return;
    users.delete(former);
    await closeParts(former, current);
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
      await retire(former);
    },
    async close() {
      const last = now();
      for (const former of users.keys()) if (former !== last) await closeParts(former, last);
      await closeParts(last, undefined);
    },
  };
}

/** Closes what an epoch does not share with the one that stays. */
async function closeParts(epoch: Epoch, stays: Epoch | undefined): Promise<void> {
  const kept = new Set(Object.values(stays?.handlers ?? {}));
  for (const handler of Object.values(epoch.handlers)) if (!kept.has(handler)) await handler.close();
  if (stays?.auth !== epoch.auth) await epoch.auth.close();
}
