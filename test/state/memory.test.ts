import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { describeStore } from "../contract/store.contract.ts";
import { createTestClock } from "./test-clock.ts";

describeStore("memory", async () => {
  const clock = createTestClock();
  const store = createMemoryStore({ clock, log: silentLog });
  return { store, second: undefined, pass: async (ms) => clock.pass(ms), close: () => store.close() };
});
