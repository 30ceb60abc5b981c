import type { Log } from "../core/log.ts";
import { closedError } from "./check-arguments.ts";
import type { Store } from "./store.ts";

type Listener = (message: string) => void;

/** Publish and subscribe within one process. Messages of a channel arrive in order, after the publisher's own turn. */
export interface Channels {
  publish(channel: string, message: string): void;
  subscribe(channel: string, listener: Listener): () => void;
}

/** Calls a subscriber; what it throws is logged and goes no further, since nobody waits for it. */
export function deliver(listener: Listener, message: string, log: Log): void {
  try {
    listener(message);
  } catch (error) {
    log.error({ error }, "a subscriber failed on a message");
  }
}

export function createChannels(log: Log): Channels {
  const byName = new Map<string, Set<{ readonly listener: Listener }>>();
  return {
    publish(channel, message) {
      const members = byName.get(channel);
      if (members === undefined) return;
      // Who subscribes after this moment does not get the message; who unsubscribes before it is delivered does not either.
      for (const member of [...members]) {
        setImmediate(() => {
          if (members.has(member)) deliver(member.listener, message, log);
        });
      }
    },
    subscribe(channel, listener) {
      const members = byName.get(channel) ?? new Set();
      byName.set(channel, members);
      const member = { listener };
      members.add(member);
      return () => {
        members.delete(member);
        if (members.size === 0 && byName.get(channel) === members) byName.delete(channel);
      };
    },
  };
}

/** A store's messages over channels of this process; refused once `closed` says so. */
export function toStoreMessages(channels: Channels, closed: () => boolean): Pick<Store, "publish" | "subscribe"> {
  return {
    async publish(channel, message) {
      if (closed()) throw closedError();
      channels.publish(channel, message);
    },
    async subscribe(channel, listener) {
      if (closed()) throw closedError();
      const unsubscribe = channels.subscribe(channel, listener);
      return async () => unsubscribe();
    },
  };
}
