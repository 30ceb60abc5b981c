import type { ConfigPath } from "../../core/config-problem.ts";
import type { Remark } from "../kinds/define-kind.ts";
import type { TokenLimitSpec } from "../kinds/token-rate-limit-policy.ts";

interface Rates {
  /** As `limits` of a budget has them: `1000 tokens/1m30s`. */
  readonly limits: readonly string[];
  readonly faults: readonly Remark[];
}

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** A duration of GEP-2257 in milliseconds. */
const lengthMs = (window: string): number =>
  [...window.matchAll(/(\d+)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitMs[unit as keyof typeof unitMs],
    0,
  );

/** Reads the rates of a limit, each of which has to hold; of those of one length the tightest. `at`: where the limit stands. */
export function readRates({ rates = [] }: TokenLimitSpec, at: ConfigPath): Rates {
  const faults: Remark[] = [];
  const tightest = new Map<number, { readonly limit: number; readonly window: string }>();
  for (const [index, { limit, window }] of rates.entries()) {
    const path = [...at, "rates", index];
    const ms = lengthMs(window);
    if (ms < 1_000) faults.push({ path: [...path, "window"], message: "a window of a second at least" });
    if (limit < 1)
      faults.push({ path: [...path, "limit"], message: "one token at least: to let nobody in, write an AccessPolicy" });
    const known = tightest.get(ms);
    if (known === undefined || limit < known.limit) tightest.set(ms, { limit, window });
  }
  if (tightest.size > 16) faults.push({ path: [...at, "rates"], message: "at most 16 windows" });
  return { limits: [...tightest.values()].map(({ limit, window }) => `${limit} tokens/${window}`), faults };
}
