import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { deliver } from "./channels.ts";
import type { RedisStateConfig } from "./config.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { createRedisConnection } from "./redis-connection.ts";

type Listener = (message: string) => void;

/** A subscriber sends nothing by itself, so only this finds out that the other end is gone. */
const HEARTBEAT_MS = 5_000;

export interface RedisChannels {
  subscribe(channel: string, listener: Listener): Promise<() => Promise<void>>;
  close(): void;
}

/** Subscriptions over a connection of their own, opened with the first of them and resumed after a loss. */
export function createRedisChannels(config: RedisStateConfig, log: Log): RedisChannels {
  const subscribers = new Map<string, Set<{ readonly listener: Listener }>>();
  let connection: RedisConnection | undefined;
  let opening: Promise<RedisConnection> | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  let closed = false;
  const wireName = (channel: string) => `${config.prefix}c:${channel}`;

  async function open(): Promise<RedisConnection> {
    const opened = createRedisConnection(config, "subscriber", log);
    connection = opened;
    opened.client.on("message", (name: string, message: string) => {
      for (const { listener } of [...(subscribers.get(name) ?? [])]) deliver(listener, message, log);
    });
    opened.client.on("ready", () => {
      if (subscribers.size === 0) return;
      opened.call((client) => client.subscribe(...subscribers.keys())).catch(() => opened.client.disconnect(true));
    });
    heartbeat = setInterval(() => void opened.call((client) => client.ping()).catch(() => {}), HEARTBEAT_MS);
    heartbeat.unref();
    await opened.client.connect().catch((cause: unknown) => {
      // It goes on trying; the next subscribe finds it open or not.
      log.debug({ error: cause }, "the subscriber could not connect at once");
    });
    return opened;
  }

  return {
    async subscribe(channel, listener) {
      if (closed) throw new GatewayError("state_unavailable", "The state store is closed.");
      const name = wireName(channel);
      const { call } = await (opening ??= open());
      const member = { listener };
      let members = subscribers.get(name);
      // Redis confirms each SUBSCRIBE, also of a channel that is subscribed, so a second subscriber waits for its own answer.
      await call((client) => client.subscribe(name));
      members = subscribers.get(name) ?? new Set();
      subscribers.set(name, members);
      members.add(member);
      return async () => {
        if (!members.delete(member) || members.size > 0 || subscribers.get(name) !== members) return;
        subscribers.delete(name);
        // A failure leaves a subscription that nobody listens to, until the connection is renewed.
        await connection?.call((client) => client.unsubscribe(name)).catch(() => {});
      };
    },
    close() {
      closed = true;
      clearInterval(heartbeat);
      connection?.close();
      subscribers.clear();
    },
  };
}
