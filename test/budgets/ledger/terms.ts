import type { Term } from "../../../src/budgets/ledger/counter.ts";
import type { Lease } from "../../../src/budgets/ledger/counting.ts";
import type { Window } from "../../../src/budgets/ledger/windows.ts";

export const testLease: Lease = { lengthMs: 600, grainMs: 100 };
/** Longer than any test. */
export const longLease: Lease = { lengthMs: 600_000, grainMs: 1_000 };
/** After this long, whatever was not renewed has been given back. */
export const AFTER_LEASE_MS = 800;

/** A counter of its own. */
export const term = (key: string, limit: number, window: Window = "none", group = "t:team"): Term => ({
  key,
  group,
  window,
  limit,
  idleMs: undefined,
});
