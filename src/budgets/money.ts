/* Money is whole nano-dollars (1e-9 US dollars): exact up to $9,000,000 in a double, which is what Lua and JSON have. */

export const NANOS_PER_DOLLAR = 1_000_000_000;
const pattern = /^\$(\d{1,7})(?:\.(\d{1,9}))?$/;

/** `$200`, `$0.01` → nano-dollars; undefined when the text is no amount of dollars. */
export function parseDollars(text: string): number | undefined {
  const [, whole, fraction = ""] = pattern.exec(text.trim()) ?? [];
  return whole === undefined ? undefined : Number(whole) * NANOS_PER_DOLLAR + Number(fraction.padEnd(9, "0"));
}

/** Nano-dollars for people: `$1.25`, `$0.00042`. At least two digits behind the point, and none that says nothing. */
export function formatDollars(nanos: number): string {
  const whole = Math.floor(nanos / NANOS_PER_DOLLAR);
  const fraction = String(nanos % NANOS_PER_DOLLAR)
    .padStart(9, "0")
    .replace(/0{1,7}$/, "");
  return `$${whole}.${fraction}`;
}
