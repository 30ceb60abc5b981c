/**
 * How long an answer asks to wait, in milliseconds: `retry-after-ms`, which OpenAI and Azure send, else `retry-after` in seconds or
 * as a date (RFC 9110, section 10.2.3). Undefined for what is not there or makes no sense; a date that has passed is no wait.
 */
export function readRetryAfterMs(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const ms = toNumber(headers["retry-after-ms"]);
  if (ms !== undefined) return ms;
  const text = headers["retry-after"];
  const seconds = toNumber(text);
  if (seconds !== undefined) return seconds * 1_000;
  /* Date.parse takes almost anything, "-5" as well: an HTTP date begins with the day's name. */
  const at = text !== undefined && /^[A-Z][a-z]{2}/.test(text.trim()) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
