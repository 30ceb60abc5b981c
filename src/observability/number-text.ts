/* Microseconds are enough for a reader. Of their last three digits each spelling is made once: V8 takes ten times as long over a fraction. */
const FRACTIONS = Array.from({ length: 1_000 }, (_, us) => (us === 0 ? "" : `.${String(us).padStart(3, "0")}`));
export function durationText(ms: number): string {
  const us = Math.round(ms * 1_000);
  if (!(us >= 0 && us <= 0x7fffffff)) return numberText(us / 1_000);
  const rest = us % 1_000;
  return `${(us - rest) / 1_000}${FRACTIONS[rest]}`;
}

/* As JSON.stringify has it: what is no number in JSON is nothing. */
export const numberText = (value: number): string => (Number.isFinite(value) ? `${value}` : "null");

/* Many operations begin in the same millisecond. */
let lastMs = 0;
let lastText = "0";
export function instantText(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = numberText(ms);
  }
  return lastText;
}
