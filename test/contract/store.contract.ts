import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../src/state/store.ts";
import { describeBatches } from "./store/batches.ts";
import { describeChannels } from "./store/channels.ts";
import { describeCompareAndSet } from "./store/compare-and-set.ts";
import { describeExpiry } from "./store/expiry.ts";
import type { StoreFixture, Subject } from "./store/fixture.ts";
import { describeIndexes } from "./store/indexes.ts";
import { describeRecords } from "./store/records.ts";
import { echo } from "./store/scripts-under-test.ts";
import { describeScripts } from "./store/scripts.ts";

/** The contract of `Store`, run on one implementation. */
export function describeStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(`store contract on ${name}`, () => {
    let fixture: StoreFixture;
    let store: Store;
    let serial = 0;
    const subject: Subject = {
      fixture: () => fixture,
      store: () => store,
      fresh: () => `test-${(serial += 1)}`,
    };

    beforeAll(async () => {
      fixture = await open();
      store = fixture.store;
    });
    afterAll(async () => {
      await fixture.close();
    });

    describeRecords(subject);
    describeCompareAndSet(subject);
    describeExpiry(subject);
    describeIndexes(subject);
    describeBatches(subject);
    describeScripts(subject);
    describeChannels(subject);

    test("a closed store says so on every call, and closing it again is harmless", async () => {
      const other = await open();
      await other.store.put("closing", "k", 1);
      await other.store.close();
      await other.store.close();
      for (const call of [
        () => other.store.get("closing", "k"),
        () => other.store.put("closing", "k", 1),
        () => other.store.putMany("closing", [{ key: "k", value: 1 }]),
        () => other.store.delete("closing", "k"),
        () => other.store.list("closing", { limit: 1 }),
        () => other.store.find("closing", "a", "b", { limit: 1 }),
        () => other.store.trim("closing", 1),
        () => other.store.run(echo, ["k"], ["get", "f"]),
        () => other.store.publish("c", "m"),
        () => other.store.subscribe("c", () => {}),
      ]) {
        await expect(call()).rejects.toMatchObject({ kind: "state_unavailable" });
      }
      await other.close();
    });

    test("it says what survives what", () => {
      expect(store.durability.crashLoss).not.toBe("");
    });
  });
}
