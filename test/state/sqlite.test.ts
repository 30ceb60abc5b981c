import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../src/core/log.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import { describeStore } from "../contract/store.contract.ts";
import { createTestClock } from "./test-clock.ts";

describeStore("a SQLite file", async () => {
  const clock = createTestClock();
  const folder = mkdtempSync(join(tmpdir(), "sallyport-sqlite-"));
  const openOne = () =>
    createSqliteStore(
      { kind: "sqlite", file: join(folder, "data", "state.db"), synchronous: "normal" },
      { clock, log: silentLog },
    );
  const [store, second] = [openOne(), openOne()];
  return {
    store,
    second,
    pass: async (ms) => clock.pass(ms),
    async close() {
      await Promise.all([store.close(), second.close()]);
      rmSync(folder, { recursive: true });
    },
  };
});
