import { setTimeout as delay } from "node:timers/promises";

/** Repeats an expectation until it holds; gives its last failure when it never does. For what another process does in its own time. */
export async function eventually(check: () => Promise<void> | void, tries = 100): Promise<void> {
  for (let count = 1; ; count++) {
    try {
      await check();
      return;
    } catch (thrown) {
      if (count >= tries) throw thrown;
      await delay(50);
    }
  }
}
