import { beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../../src/state/store.ts";
import type { Subject } from "./fixture.ts";

export function describeChannels(subject: Subject): void {
  describe("channels", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    /** Resolves with the first `count` messages. */
    const collect = async (each: Store, channel: string, count: number) => {
      const messages: string[] = [];
      const { promise, resolve } = Promise.withResolvers<string[]>();
      const unsubscribe = await each.subscribe(channel, (message) => {
        messages.push(message);
        if (messages.length === count) resolve(messages);
      });
      return { promise, messages, unsubscribe };
    };

    test("every subscriber gets every message, in order and unharmed, and nothing of other channels", async () => {
      const [channel, other] = [subject.fresh(), subject.fresh()];
      const sent = ["1", "", "ä 🙂 \u0000", "x".repeat(100_000), "last"];
      const one = await collect(store, channel, sent.length);
      const two = await collect(subject.fixture().second ?? store, channel, sent.length);
      await store.publish(other, "not for them");
      for (const message of sent) await store.publish(channel, message);
      expect(await one.promise).toEqual(sent);
      expect(await two.promise).toEqual(sent);
      await Promise.all([one.unsubscribe(), two.unsubscribe()]);
    });

    test("a store hears what it publishes and what another store on the same data publishes", async () => {
      const channel = subject.fresh();
      const heard = await collect(store, channel, 2);
      await store.publish(channel, "own");
      await (subject.fixture().second ?? store).publish(channel, "theirs");
      expect([...(await heard.promise)].sort()).toEqual(["own", "theirs"]);
      await heard.unsubscribe();
    });

    test("who has unsubscribed hears nothing more, twice is harmless, and the others hear on", async () => {
      const channel = subject.fresh();
      const leaver = await collect(store, channel, 99);
      const stayer = await collect(store, channel, 1);
      await leaver.unsubscribe();
      await leaver.unsubscribe();
      await store.publish(channel, "after");
      expect(await stayer.promise).toEqual(["after"]);
      expect(leaver.messages).toEqual([]);
      await stayer.unsubscribe();
      const again = await collect(store, channel, 1);
      await store.publish(channel, "again");
      expect(await again.promise).toEqual(["again"]);
      expect(stayer.messages).toEqual(["after"]);
      await again.unsubscribe();
    });

    test("the same function subscribed twice hears twice and leaves one by one", async () => {
      const channel = subject.fresh();
      const heard: string[] = [];
      const listener = (message: string) => void heard.push(message);
      const first = await store.subscribe(channel, listener);
      const second = await store.subscribe(channel, listener);
      const marker = await collect(store, channel, 1);
      await store.publish(channel, "a");
      await marker.promise;
      expect(heard).toEqual(["a", "a"]);
      await first();
      const next = await collect(store, channel, 1);
      await store.publish(channel, "b");
      await next.promise;
      expect(heard).toEqual(["a", "a", "b"]);
      await Promise.all([second(), marker.unsubscribe(), next.unsubscribe()]);
    });

    test("a subscriber that throws harms nobody", async () => {
      const channel = subject.fresh();
      const bad = await store.subscribe(channel, () => {
        throw new Error("a broken subscriber");
      });
      const good = await collect(store, channel, 2);
      await store.publish(channel, "1");
      await store.publish(channel, "2");
      expect(await good.promise).toEqual(["1", "2"]);
      await Promise.all([bad(), good.unsubscribe()]);
    });

    test("publishing to nobody is fine", async () => {
      await expect(store.publish(subject.fresh(), "into the void")).resolves.toBeUndefined();
    });
  });
}
