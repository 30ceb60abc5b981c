const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** `1m30s` (GEP-2257) as the configuration writes it, `90000ms`. The schema of the kind has seen to its form. */
export function toConfigDuration(text: string): string {
  let sumMs = 0;
  for (const [, digits = "0", unit = "ms"] of text.matchAll(/(\d+)(ms|h|m|s)/g))
    sumMs += Number(digits) * (unitsMs[unit] ?? 0);
  return `${sumMs}ms`;
}
