/* Writes as fast as it can and says on standard output what was acknowledged, until it is killed. Argument: the file. */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";
import type { StoreScript } from "../../../src/state/store.ts";

const store = createSqliteStore(
  { kind: "sqlite", file: process.argv[2] as string, synchronous: "normal" },
  { clock: systemClock, log: silentLog },
);
const count: StoreScript = {
  name: "count",
  lua: "",
  run(view, [key]) {
    const next = String(Number(view.get(key as string)?.["n"] ?? 0) + 1);
    view.set(key as string, { n: next });
    return next;
  },
};
const key = (n: number) => String(n).padStart(9, "0");

for (let n = 0; ; n += 1) {
  await store.put(
    "single",
    key(n),
    { n, padding: "x".repeat(n % 3_000) },
    { indexes: { kind: n % 2 === 0 ? "even" : "odd" } },
  );
  writeSync(1, `single ${n}\n`);
  await store.putMany(
    "batch",
    [0, 1, 2].map((part) => ({ key: `${key(n)}-${part}`, value: part, indexes: { batch: key(n) } })),
  );
  writeSync(1, `batch ${n}\n`);
  await store.run(count, ["counter"], []);
  writeSync(1, `count ${n + 1}\n`);
}
