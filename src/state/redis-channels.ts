import type { Log } from "../core/log.ts";
import { deliver } from "./channels.ts";
import { closedError } from "./check-arguments.ts";
import type { RedisStateConfig } from "./config.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { createRedisConnection } from "./redis-connection.ts";

type Listener = (message: string) => void;

/** A subscriber sends nothing by itself, so only this finds out that the other end is gone. */
const HEARTBEAT_MS = 5_000;

interface Subscriber {
  readonly listener: Listener;
  readonly onGap: (() => void) | undefined;
}

export interface RedisChannels {
  subscribe(channel: string, listener: Listener, onGap?: () => void): Promise<() => Promise<void>>;
  close(): void;
}

/** Subscriptions over a connection of their own, opened with the first of them and resumed after a loss. */
export function createRedisChannels(config: RedisStateConfig, log: Log): RedisChannels {
  const subscribers = new Map<string, Set<Subscriber>>();
  let opening: Promise<RedisConnection> | undefined;
  let connection: RedisConnection | undefined;
  let closed = false;

  const heartbeat = setInterval(() => void connection?.call((client) => client.ping()).catch(() => {}), HEARTBEAT_MS);
  heartbeat.unref();

  async function open(): Promise<RedisConnection> {
    const opened = createRedisConnection(config, "subscriber", log);
    connection = opened;
    opened.client.on("message", (name: string, message: string) => {
      for (const { listener } of [...(subscribers.get(name) ?? [])]) deliver(listener, message, log);
    });
    opened.client.on("ready", () => {
      if (subscribers.size === 0) return;
      opened
        .call((client) => client.subscribe(...subscribers.keys()))
        .then(
          () => {
            for (const { onGap } of [...subscribers.values()].flatMap((members) => [...members]))
              if (onGap !== undefined) deliver(onGap, "", log);
          },
          () => opened.client.disconnect(true),
        );
    });
    try {
      await opened.open();
      return opened;
    } catch (error) {
      // The next subscriber tries anew.
      opening = undefined;
      throw error;
    }
  }

  return {
    async subscribe(channel, listener, onGap) {
      if (closed) throw closedError();
      const { call } = await (opening ??= open());
      const name = `${config.prefix}c:${channel}`;
      const members = subscribers.get(name) ?? new Set<Subscriber>();
      const member = { listener, onGap };
      const leave = async (): Promise<void> => {
        if (!members.delete(member) || members.size > 0) return;
        subscribers.delete(name);
        // A failure leaves a subscription that nobody listens to, until the connection is renewed.
        await call((client) => client.unsubscribe(name)).catch(() => {});
      };
      // Entered before the server confirms: the last of the others, leaving meanwhile, must not take the subscription away.
      subscribers.set(name, members);
      members.add(member);
      try {
        await call((client) => client.subscribe(name));
      } catch (error) {
        await leave();
        throw error;
      }
      return leave;
    },
    close() {
      closed = true;
      clearInterval(heartbeat);
      connection?.close();
      subscribers.clear();
    },
  };
}
